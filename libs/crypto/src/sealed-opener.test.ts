/**
 * Claims: (1) however the bytes are cut, the same chunks come out as of the whole; (2) the end is not granted while a byte is
 * missing, and no byte too many is taken; (3) an altered chunk is refused when it is whole, and nothing of it is given out;
 * (4) after the end nothing more opens. Oracle: the plaintext; openSealedUpdate.
 */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { concatBytes } from '@consilium/bytes';
import { expect, it } from 'vitest';
import { generateRoundKey } from './agreement.js';
import { SealedOpener } from './sealed-opener.js';
import { sealUpdate } from './sealed-update.js';

const context = { planDigest: 'ab'.repeat(32), runId: 'run-7', round: 3, attempt: 1, hospitalId: 'north' };
const { publicKey, secretKey } = generateRoundKey();
const plaintext = new Uint8Array(createHash('shake256', { outputLength: 150_000 }).update('opener').digest());
const sealed = sealUpdate(plaintext, publicKey, context);
const opener = (): SealedOpener => new SealedOpener(sealed.length, secretKey, context);

it('opens the same bytes however they are cut', () => {
  const cuts = fc.array(fc.nat(sealed.length), { maxLength: 12 });
  fc.assert(
    fc.property(cuts, (places) => {
      const borders = [0, ...places.sort((a, b) => a - b), sealed.length];
      const opening = opener();
      const opened = borders.slice(1).flatMap((end, i) => [...opening.push(sealed.subarray(borders[i], end))]);
      opening.end();
      expect(opened.map(({ length }) => length)).toEqual([65_536, 65_536, 150_000 - 131_072]);
      expect(Buffer.compare(concatBytes(...opened), plaintext)).toBe(0);
    }),
    { numRuns: 60 },
  );
});

it('byte by byte around every border', () => {
  const opening = opener();
  const opened: Uint8Array[] = [];
  for (let at = 0; at < sealed.length;) {
    const isNear = [112, 112 + 65_552, 112 + 131_104, sealed.length].some((border) => Math.abs(border - at) < 20);
    const step = isNear ? 1 : 10;
    opened.push(...opening.push(sealed.subarray(at, at + step)));
    at += step;
  }
  opening.end();
  expect(Buffer.compare(concatBytes(...opened), plaintext)).toBe(0);
});

it.each([0, 50, 112, 70_000, sealed.length - 1])('does not end after %i bytes', (bytes) => {
  const opening = opener();
  expect([...opening.push(sealed.subarray(0, bytes))].length).toBeLessThan(3);
  expect(() => {
    opening.end();
  }).toThrow(expect.objectContaining({ code: 'SEAL_TRUNCATED' }) as Error);
});

it('takes no byte too many', () => {
  const opening = opener();
  expect([...opening.push(sealed)]).toHaveLength(3);
  expect(() => opening.push(Uint8Array.of(0)).next()).toThrow(
    expect.objectContaining({ code: 'SEAL_TRUNCATED' }) as Error,
  );
});

it('gives out nothing of an altered chunk', () => {
  const altered = Uint8Array.from(sealed);
  altered[112 + 65_552 + 7] = (altered[112 + 65_552 + 7] ?? 0) ^ 1;
  const opening = opener();
  expect([...opening.push(altered.subarray(0, 70_000))]).toHaveLength(1);
  expect(() => opening.push(altered.subarray(70_000, 140_000)).next()).toThrow(
    expect.objectContaining({ code: 'SEAL_AUTHENTICATION' }) as Error,
  );
});

it('opens nothing once it was closed', () => {
  const before = opener();
  before.close();
  expect(() => before.push(sealed).next()).toThrow(TypeError);
  const between = opener();
  expect([...between.push(sealed.subarray(0, 70_000))]).toHaveLength(1);
  between.close();
  expect(() => between.push(sealed.subarray(70_000)).next()).toThrow(
    expect.objectContaining({ code: 'SEAL_AUTHENTICATION' }) as Error,
  );
});

it.each([0, 127, 65_552 + 113])('refuses %i bytes, which no sealed update has', (sizeBytes) => {
  expect(() => new SealedOpener(sizeBytes, secretKey, context)).toThrow(
    expect.objectContaining({ code: 'SEAL_TRUNCATED' }) as Error,
  );
});
