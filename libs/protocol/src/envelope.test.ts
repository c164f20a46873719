/**
 * Claims: (1) the pre-authentication encoding is that of DSSE; (2) it counts bytes and not characters; (3) two different
 * (type, body) pairs never share one. Oracles: the example published in protocol.md of the DSSE specification; a decoder
 * written here.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { equalBytes, utf8 } from '@consilium/bytes';
import { preAuthEncoding } from './envelope.js';

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

it('is the published example', () => {
  const encoded = preAuthEncoding('http://example.com/HelloWorld', utf8('hello world'));
  expect(text(encoded)).toBe('DSSEv1 29 http://example.com/HelloWorld 11 hello world');
});

it('counts bytes', () => {
  expect(text(preAuthEncoding('é', utf8('€')))).toBe('DSSEv1 2 é 3 €');
  expect(text(preAuthEncoding('', new Uint8Array()))).toBe('DSSEv1 0  0 ');
});

it('can be taken apart, so no two pairs share one encoding', () => {
  const pair = fc.tuple(fc.string({ unit: fc.constantFrom('a', ' ', '1', '2') }), fc.uint8Array({ min: 32, max: 50 }));
  fc.assert(
    fc.property(pair, pair, ([typeA, bodyA], [typeB, bodyB]) => {
      const encoded = preAuthEncoding(typeA, bodyA);
      const [, typeLength] = /^DSSEv1 ([0-9]+) /.exec(text(encoded)) ?? [];
      const start = `DSSEv1 ${String(typeLength)} `.length;
      expect(text(encoded.subarray(start, start + Number(typeLength)))).toBe(typeA);
      expect(encoded.subarray(encoded.length - bodyA.length)).toEqual(bodyA);
      const same = typeA === typeB && equalBytes(bodyA, bodyB);
      expect(equalBytes(encoded, preAuthEncoding(typeB, bodyB))).toBe(same);
    }),
    { seed: 1 },
  );
});
