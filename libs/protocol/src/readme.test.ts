/** Claim: the example of the README compiles, runs and says the truth. Oracle: the README's own text. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { concatBytes, equalBytes, sha256 } from '@consilium/bytes';
import { openStatement, ProtocolError, signStatement, type Consent } from './index.js';
import { sampleStatements } from './samples.js';

const sign = (bytes: Uint8Array): Uint8Array => concatBytes(sha256(bytes), sha256(bytes));
const verify = (bytes: Uint8Array, signature: Uint8Array): boolean => equalBytes(sign(bytes), signature);
const consent: Consent = sampleStatements.consent;

it('runs the example of the README', () => {
  // example
  const { envelope, digest } = signStatement('consent', consent, 'north', sign); // at the hospital
  const received: unknown = JSON.parse(JSON.stringify(envelope)); // on the wire
  try {
    const opened = openStatement('consent', received, verify); // at the coordinator: typed, checked, signed
    expect(opened.body.from).toBe('north');
    expect(opened.digest).toBe(digest); // names the statement, whatever its signature bytes are
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    console.error(error.code); // MESSAGE_INVALID, TYPE_MISMATCH or SIGNATURE_INVALID, for the ack
  }
  // end
  expect.assertions(3);
  const source =
    readFileSync(new URL(import.meta.url), 'utf8')
      .split('// example\n')[1]
      ?.split('  // end')[0] ?? '';
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  expect(readme).toContain(source.replace(/^ {2}/gm, '').trim());
});
