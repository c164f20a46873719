/**
 * The WebAssembly codecs of dcmjs-codecs (libjpeg for 8, 12 and 16 bits, CharLS, OpenJPEG), reached without the
 * package's JavaScript: that loads all of dcmjs, prints what the codecs say, and keeps one memory for ever.
 */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { DicomError } from './errors.js';
import type { DicomFacts } from './facts.js';

export type Codec = 'jpeg' | 'jpeg-ls' | 'jpeg-2000';

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly _initialize: () => void;
  readonly CreateCodecsContext: () => number;
  readonly ReleaseCodecsContext: (context: number) => void;
  readonly CreateDecoderParameters: () => number;
  readonly ReleaseDecoderParameters: (parameters: number) => void;
  readonly SetConvertColorspaceToRgb: (parameters: number, convert: number) => void;
  readonly SetColumns: Setter;
  readonly SetRows: Setter;
  readonly SetBitsAllocated: Setter;
  readonly SetBitsStored: Setter;
  readonly SetSamplesPerPixel: Setter;
  readonly SetPixelRepresentation: Setter;
  readonly SetPlanarConfiguration: Setter;
  readonly SetPhotometricInterpretation: Setter;
  readonly SetEncodedBufferSize: Setter;
  readonly GetEncodedBuffer: Getter;
  readonly GetDecodedBuffer: Getter;
  readonly GetDecodedBufferSize: Getter;
  readonly GetColumns: Getter;
  readonly GetRows: Getter;
  readonly GetPlanarConfiguration: Getter;
  readonly DecodeJpeg: Decoder;
  readonly DecodeJpegLs: Decoder;
  readonly DecodeJpeg2000: Decoder;
}
type Setter = (context: number, value: number) => void;
type Getter = (context: number) => number;
type Decoder = (context: number, parameters: number) => void;

const decoders = { jpeg: 'DecodeJpeg', 'jpeg-ls': 'DecodeJpegLs', 'jpeg-2000': 'DecodeJpeg2000' } as const;
/** In the order of the codecs' own enumeration. */
const photometrics = [
  'MONOCHROME1',
  'MONOCHROME2',
  'PALETTE COLOR',
  'RGB',
  'YBR_FULL',
  'YBR_FULL_422',
  'YBR_PARTIAL_422',
  'YBR_PARTIAL_420',
  'YBR_ICT',
  'YBR_RCT',
];

/** TypeScript knows WebAssembly only together with the whole DOM. */
const { WebAssembly: wasm } = globalThis as unknown as {
  readonly WebAssembly: {
    readonly compile: (bytes: Uint8Array) => Promise<object>;
    readonly instantiate: (module: object, imports: object) => Promise<{ readonly exports: unknown }>;
  };
};

let compiled: Promise<object> | undefined;
/** One instance for all callers: between two awaits only one of them runs it. */
let shared: Promise<Instance> | undefined;

interface Instance {
  readonly exports: Exports;
  /** libjpeg and OpenJPEG fill what they cannot read and only remark on it. */
  complained: boolean;
  /** It failed, so its state is unknown, or it has grown: the next image gets another. */
  spent: boolean;
}
/** The codecs ask for 256 MiB at their start, most of it never touched. */
const KEPT_MEMORY_BYTES = 320 * 2 ** 20;
const COMPLAINT = /Corrupt JPEG data|Premature end|OpjMessageCallback(?:Warning|Error)/;

/**
 * @param frame - one compressed frame, its own header already checked against `facts` (codestream.ts): the codecs allocate
 *   by that header, within a memory of at most 2 GiB.
 * @returns rows * columns * samples values of bitsAllocated bits, little endian, pixel by pixel.
 * @throws {@link DicomError} `DECODE_FAILED`, without the codec's words; also for an image of which a part had to be made up.
 */
export async function decodeFrame(codec: Codec, frame: Uint8Array, facts: DicomFacts): Promise<Uint8Array> {
  let instance: Instance;
  do {
    shared ??= instantiate().catch((error: unknown) => {
      shared = undefined;
      throw error;
    });
    instance = await shared;
  } while (instance.spent);
  const decoded = run(instance.exports, codec, frame, facts);
  const expected = facts.rows * facts.columns * facts.samples * (facts.bitsAllocated / 8);
  const failed = decoded?.length !== expected || instance.complained;
  // Memory grows and never shrinks: after a large image it is given back.
  if (failed || instance.exports.memory.buffer.byteLength > KEPT_MEMORY_BYTES) {
    instance.spent = true;
    shared = undefined;
  }
  if (failed) throw new DicomError('DECODE_FAILED', 'the compressed image cannot be decoded');
  return decoded;
}

/** Undefined if the codec gave up: an exception of its own, a trap, or another image than announced. */
function run(exports: Exports, codec: Codec, frame: Uint8Array, facts: DicomFacts): Uint8Array | undefined {
  try {
    const context = exports.CreateCodecsContext();
    exports.SetColumns(context, facts.columns);
    exports.SetRows(context, facts.rows);
    exports.SetBitsAllocated(context, facts.bitsAllocated);
    exports.SetBitsStored(context, facts.bitsStored);
    exports.SetSamplesPerPixel(context, facts.samples);
    exports.SetPixelRepresentation(context, facts.signed ? 1 : 0);
    exports.SetPlanarConfiguration(context, 0);
    exports.SetPhotometricInterpretation(context, photometrics.indexOf(facts.photometric));
    exports.SetEncodedBufferSize(context, frame.length);
    new Uint8Array(exports.memory.buffer).set(frame, exports.GetEncodedBuffer(context));
    const parameters = exports.CreateDecoderParameters();
    exports.SetConvertColorspaceToRgb(parameters, 0);
    exports[decoders[codec]](context, parameters);
    exports.ReleaseDecoderParameters(parameters);
    const start = exports.GetDecodedBuffer(context) >>> 0;
    const size = exports.GetDecodedBufferSize(context) >>> 0;
    const same =
      exports.GetColumns(context) === facts.columns &&
      exports.GetRows(context) === facts.rows &&
      exports.GetPlanarConfiguration(context) === 0;
    const decoded = same ? new Uint8Array(exports.memory.buffer.slice(start, start + size)) : undefined;
    exports.ReleaseCodecsContext(context);
    return decoded;
  } catch {
    // Its message may quote the image; what the caller does is the same for all of them.
    return undefined;
  }
}

async function instantiate(): Promise<Instance> {
  compiled ??= readFile(createRequire(import.meta.url).resolve('dcmjs-codecs/build/dcmjs-native-codecs.wasm')).then(
    (bytes) => wasm.compile(bytes),
  );
  const memory = (): DataView => new DataView(codecs.memory.buffer);
  const stop = (): never => {
    throw new Error('the codec gave up');
  };
  const nothing = (): number => 0;
  const { exports } = await wasm.instantiate(await compiled, {
    env: {
      onCodecsException: stop,
      onCodecsInfo: (text: number, length: number): void => {
        if (COMPLAINT.test(Buffer.from(codecs.memory.buffer, text, length).toString('latin1')))
          instance.complained = true;
      },
      onCodecsTrace: nothing,
      emscripten_notify_memory_growth: nothing,
    },
    wasi_snapshot_preview1: {
      proc_exit: stop,
      clock_time_get: nothing,
      // What a codec prints is counted as written, or it would try for ever, and goes nowhere.
      fd_write: (_file: number, vectors: number, count: number, written: number): number => {
        let bytes = 0;
        for (let i = 0; i < count; i++) bytes += memory().getUint32(vectors + 8 * i + 4, true);
        memory().setUint32(written, bytes, true);
        return 0;
      },
      fd_close: nothing,
      fd_seek: nothing,
      environ_sizes_get: (count: number, bytes: number): number => {
        memory().setUint32(count, 0, true);
        memory().setUint32(bytes, 0, true);
        return 0;
      },
      environ_get: nothing,
    },
  });
  const codecs = exports as Exports;
  const instance: Instance = { exports: codecs, complained: false, spent: false };
  codecs._initialize();
  return instance;
}
