/**
 * Claims: (1) a copy, a weaker, resized or mirrored copy is quarantined and the first by name stays; under another label all
 * go; two films of one patient stay; (2) verdicts do not depend on the order of files; (3) a file that comes later never
 * moves a patient to another side of the split; (4) each reason is given, and no file is forgotten.
 * Oracle: the table of expected reasons written here; pairwise comparison of all fingerprints for (1).
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planDataset } from '../dataset.js';
import { examine } from './examine.js';
import { alike, mirrorImage, openFingerprint } from './fingerprint.js';
import { judge, type JudgedFile } from './judge.js';
import { firstAlike } from './near-duplicates.js';
import { asImage, frontal, SIDE, turnedOver } from './pictures.js';

type Pixels = ReturnType<typeof frontal>;
interface Extra {
  readonly label?: string;
  readonly patient?: string;
  readonly split?: 'train' | 'validation' | 'test';
  readonly sha256?: string;
}

const file = (image: string, pixels: Pixels, { sha256, ...row }: Extra = {}): JudgedFile => ({
  row: { image, patient: image, label: 'normal', ...row },
  sha256: sha256 ?? image,
  examination: examine(asImage(pixels)),
});
const reasons = (files: readonly JudgedFile[], labels?: readonly string[]): Record<string, string> =>
  Object.fromEntries(
    judge(files, labels === undefined ? {} : { labels }).map((verdict) => [
      verdict.file.row.image,
      verdict.status === 'usable' ? 'usable' : verdict.reason,
    ]),
  );

/** As if it had been stored at half the size with another gamma. */
function storedAgain(pixels: Pixels): Pixels {
  const at = (x: number, y: number): number => pixels[Math.min(SIDE - 1, y) * SIDE + Math.min(SIDE - 1, x)] ?? 0;
  return pixels.map((_, k) => {
    const [x, y] = [(k % SIDE) & ~1, Math.floor(k / SIDE) & ~1];
    return ((at(x, y) + at(x + 1, y) + at(x, y + 1) + at(x + 1, y + 1)) / 4) ** 0.9;
  });
}

const base = frontal('one');

describe('one picture twice', () => {
  it('the first by name stays, whatever happened to the others', () => {
    const files = [
      file('d.png', base),
      file('e.png', base, { sha256: 'd.png' }),
      file('f.jpg', storedAgain(base)),
      file('g.png', turnedOver(base)),
      file('h.png', frontal('two')),
    ];
    expect(reasons(files)).toEqual({
      'd.png': 'usable',
      'e.png': 'DUPLICATE',
      'f.jpg': 'NEAR_DUPLICATE',
      'g.png': 'NEAR_DUPLICATE',
      'h.png': 'usable',
    });
    expect(judge(files)[2]).toMatchObject({ of: 'd.png' });
  });

  it('under two labels no copy stays', () => {
    const files = [file('a', base), file('b', storedAgain(base), { label: 'covid' }), file('c', base, { sha256: 'a' })];
    expect(new Set(Object.values(reasons(files)))).toEqual(new Set(['CONTRADICTORY_LABEL']));
  });

  it('a copy that cannot be used anyway takes nothing with it', () => {
    const files = [
      { ...file('a', base), row: { image: 'a', patient: 'a' } },
      file('b', base),
      file('c', base, { label: 'tb' }),
    ];
    expect(reasons(files, ['normal'])).toEqual({ a: 'UNLABELLED', b: 'usable', c: 'UNKNOWN_LABEL' });
  });

  it('two films of one patient, taken one after the other, are two', () => {
    const other = frontal('two');
    const next = base.map((grey, k) => 0.75 * grey + 0.25 * (other[k] ?? 0));
    const [first, second] = [file('a', base, { patient: 'p' }), file('b', next, { patient: 'p' })];
    const [a, b] = [first, second].map(({ examination }) => openFingerprint(examination?.fingerprint ?? ''));
    const correlation = alike(a as Float32Array, b as Float32Array);
    expect(correlation).toBeGreaterThan(0.97);
    expect(correlation).toBeLessThan(0.996);
    expect(reasons([first, second])).toEqual({ a: 'usable', b: 'usable' });
    expect(reasons([file('a', base), file('b', next)])).toEqual({ a: 'usable', b: 'NEAR_DUPLICATE' });
  });

  it('another patient is another picture', () => {
    const files = Array.from({ length: 24 }, (_, k) => file(`film-${k}`, frontal(`patient ${k}`)));
    expect(new Set(Object.values(reasons(files)))).toEqual(new Set(['usable']));
  });
});

it('buckets lose no pair that comparing every pair finds', () => {
  const pixels = Array.from({ length: 12 }, (_, k) => frontal(`pair ${k}`));
  const shown = pixels.flatMap((film) => [film, storedAgain(film), turnedOver(film)]);
  const prints = shown.map((film) => openFingerprint(examine(asImage(film)).fingerprint) as Float32Array);
  const first = firstAlike(prints.map((print, k) => ({ print, patient: String(k) })));
  const expected = prints.map((print) =>
    prints.findIndex((other) => alike(print, other) >= 0.97 || alike(mirrorImage(print), other) >= 0.93),
  );
  expect([...first]).toEqual(expected);
  expect(new Set(expected).size).toBe(12);
});

it('gives each reason', () => {
  const { row } = file('x', base);
  const files: JudgedFile[] = [
    { row: { ...row, image: 'lost' }, code: 'FILE_MISSING' },
    { ...file('turned', base), examination: { ...examine(asImage(base)), refusal: { code: 'ROTATED' } } },
    file('tested', frontal('p1'), { patient: 'p', split: 'test' }),
    file('trained', frontal('p2'), { patient: 'p', split: 'train' }),
    file('validated', frontal('p3'), { patient: 'p', split: 'validation' }),
  ];
  expect(reasons(files)).toEqual({
    lost: 'FILE_MISSING',
    turned: 'ROTATED',
    tested: 'usable',
    trained: 'PATIENT_IN_TRAIN_AND_TEST',
    validated: 'PATIENT_IN_VALIDATION_AND_TEST',
  });
});

describe('for any folder', () => {
  const pictures = Array.from({ length: 5 }, (_, k) => frontal(`any ${k}`));
  const shown = pictures.flatMap((film) => [film, turnedOver(film)]).map((film) => examine(asImage(film)));
  const folder = fc.uniqueArray(
    fc.record({
      image: fc.stringMatching(/^[a-z]{1,3}$/),
      label: fc.constantFrom('normal', 'covid', 'tb', undefined),
      patient: fc.constantFrom('p', 'q', 'r'),
      split: fc.constantFrom('train', 'test', undefined),
      picture: fc.nat(shown.length - 1),
    }),
    { selector: ({ image }) => image, maxLength: 12 },
  );
  interface Entry {
    readonly image: string;
    readonly label: string | undefined;
    readonly patient: string;
    readonly split: 'train' | 'test' | undefined;
    readonly picture: number;
  }
  const filesOf = (entries: readonly Entry[]): JudgedFile[] =>
    entries.map(({ picture, label, split, ...row }) => ({
      row: { ...row, ...(label === undefined ? {} : { label }), ...(split === undefined ? {} : { split }) },
      sha256: String(picture),
      examination: shown[picture] as NonNullable<JudgedFile['examination']>,
    }));

  it('order changes nothing, and every file has one verdict', () => {
    fc.assert(
      fc.property(folder, (entries) => {
        const labels = ['normal', 'covid'];
        const forwards = reasons(filesOf(entries), labels);
        expect(reasons(filesOf(entries).reverse(), labels)).toEqual(forwards);
        expect(Object.keys(forwards)).toHaveLength(entries.length);
      }),
      { numRuns: 60 },
    );
  });

  it('more files never move a patient without a given split', () => {
    const sideOf = (files: readonly JudgedFile[]): ReadonlyMap<string, string> => {
      const rows = judge(files).flatMap(({ status, file: { row } }) => (status === 'usable' ? [row] : []));
      const plan = planDataset(rows, { labels: ['normal', 'covid', 'tb'], seed: 's', testShare: 0.5 });
      return new Map(
        (['train', 'test'] as const).flatMap((side) => plan[side].map(({ patient }) => [patient, side] as const)),
      );
    };
    fc.assert(
      fc.property(folder, fc.nat(12), (entries, kept) => {
        const files = filesOf(entries.map((entry) => ({ ...entry, split: undefined })));
        const [before, after] = [sideOf(files.slice(0, kept)), sideOf(files)];
        for (const [patient, side] of before) expect(after.get(patient) ?? side).toBe(side);
      }),
      { numRuns: 60 },
    );
  });
});
