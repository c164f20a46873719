/**
 * Claim: the example of README.md runs as it stands there. Oracle: its own text: the block in README.md is the body of
 * the first test below, which this file also compiles and runs.
 */
import { readFileSync } from 'node:fs';
import { utf8 } from '@consilium/bytes';
import { expect, it } from 'vitest';
import { digestBlob, fingerprint, generateIdentity, generateRoundKey } from './index.js';
import { openSealedUpdate, sealUpdate, signBytes, verifyStrict } from './index.js';

it('shows one update on its way', () => {
  // example
  const hospital = generateIdentity(); // kept on disk: loadOrCreateIdentity(path)
  const roundKey = generateRoundKey(); // the coordinator's, in memory for one attempt; its public half is in the plan
  const context = { planDigest: digestBlob(utf8('plan')), runId: 'run-7', round: 3, attempt: 1, hospitalId: 'north' };

  const update = new Float32Array([0.25, -0.5]);
  const sealed = sealUpdate(new Uint8Array(update.buffer), roundKey.publicKey, context);
  const statement = utf8(`north sends ${digestBlob(sealed)}`); // a signed envelope of libs/protocol in earnest
  const signature = signBytes(hospital, statement);

  if (!verifyStrict(hospital.publicKey, statement, signature)) throw new Error('not from the hospital');
  const opened = openSealedUpdate(sealed, roundKey.secretKey, context);
  roundKey.secretKey.fill(0);
  // end of example
  expect(new Float32Array(opened.buffer)).toEqual(update);
  expect(fingerprint(hospital.publicKey)).toMatch(/^(\d{5} ){7}\d{5}$/);
});

it('is the example of README.md', () => {
  const source = readFileSync(new URL(import.meta.url), 'utf8');
  const body = /\/\/ example\n(.*) {2}\/\/ end of example/s.exec(source)?.[1]?.replaceAll(/^ {2}/gm, '');
  const block = /```ts\n(.*?)```/s.exec(readFileSync(new URL('../README.md', import.meta.url), 'utf8'))?.[1];
  expect(block).toBe(body);
});
