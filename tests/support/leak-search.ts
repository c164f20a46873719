/**
 * Looks for patient data in captured bytes. Long needles (files, pixels, floats) are found by any 32 consecutive bytes of
 * them, short ones (names, ids) as a whole; each as it is, in hex, and in base64 at the three alignments that base64
 * inside a longer text can have. It does not see through compression, encryption or arithmetic.
 */

export interface Needle {
  readonly name: string;
  readonly bytes: Buffer;
}

/** Any 32 bytes of a needle contain one of its aligned blocks of this size, and so do their 64 hex or 42 base64 digits. */
const BLOCK = 16;
/** A block of fewer different bytes, such as a black border, is in many innocent things and says nothing of a patient. */
const DISTINCT_MIN = 5;

/** The base64 digits that bytes have in the middle of a longer text: its neighbours decide about the outer ones. */
export function base64Cores(bytes: Uint8Array): Buffer[] {
  return [0, 1, 2].map((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64');
    return Buffer.from(text.slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + bytes.length) * 8) / 6)));
  });
}

/** @returns How the bytes may stand in a capture. */
export function spellings(bytes: Buffer): Buffer[] {
  return [bytes, ...base64Cores(bytes), Buffer.from(bytes.toString('hex'))];
}

/** Text as programs write it. */
export function textForms(text: string): Buffer[] {
  const utf16le = Buffer.from(text, 'utf16le');
  return [Buffer.from(text), utf16le, Buffer.from(utf16le).swap16()];
}

export class Haystack {
  readonly #bytes: Buffer;
  readonly #blocks = new Set<string>();

  constructor(parts: readonly Uint8Array[]) {
    this.#bytes = Buffer.concat(parts);
    const latin1 = this.#bytes.toString('latin1');
    for (let k = 0; k + BLOCK <= latin1.length; k++) this.#blocks.add(latin1.slice(k, k + BLOCK));
  }

  get sizeBytes(): number {
    return this.#bytes.length;
  }

  /** @returns Names of the needles of which 32 consecutive bytes are here. */
  blocksOf(needles: Iterable<Needle>): string[] {
    const found: string[] = [];
    for (const { name, bytes } of needles)
      if (spellings(bytes).some((spelling) => this.#holds(spelling))) found.push(name);
    return found;
  }

  /** @returns The texts that are here as a whole, in any form; hex in either case. */
  textsOf(texts: Iterable<string>): string[] {
    return [...texts].filter((text) =>
      textForms(text)
        .flatMap((form) => [...spellings(form), Buffer.from(form.toString('hex').toUpperCase())])
        .some((spelling) => this.#bytes.includes(spelling)),
    );
  }

  #holds(spelling: Buffer): boolean {
    const latin1 = spelling.toString('latin1');
    for (let k = 0; k + BLOCK <= latin1.length; k += BLOCK) {
      const block = latin1.slice(k, k + BLOCK);
      if (this.#blocks.has(block) && new Set(block).size >= DISTINCT_MIN) return true;
    }
    return false;
  }
}
