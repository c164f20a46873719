/** What a decoder thread runs: bytes in, picture and examination out. Nothing here is shared with other threads. */
import { parentPort } from 'node:worker_threads';
import type { DecodeAnswer, DecodeRequest } from './decoder.js';
import { ImagingError } from './errors.js';
import { examine } from './gate/examine.js';
import { setDecoderThreads } from './square.js';
import { readXray } from './xray.js';

async function answerTo({ id, bytes }: DecodeRequest): Promise<DecodeAnswer> {
  try {
    const image = await readXray(bytes);
    return { kind: 'decoded', id, image, examination: examine(image) };
  } catch (error) {
    // Whatever else is thrown is a defect of a decoder on this one file; its message may quote the file.
    if (!(error instanceof ImagingError)) return { kind: 'failed', id };
    return { kind: 'refused', id, code: error.code, message: error.message };
  }
}

if (parentPort === null) throw new Error('this file is started as a worker thread only');
const port = parentPort;
setDecoderThreads(1);
port.on('message', (request: DecodeRequest) => {
  void answerTo(request).then((answer) => {
    port.postMessage(answer, answer.kind === 'decoded' ? [answer.image.pixels.buffer] : []);
  });
});
port.postMessage({ kind: 'ready' } satisfies DecodeAnswer);
