/**
 * The quality gate on radiographs that a person sorted: `cxr-dev` (frontal films, with site and patient) and `cxr-odd` (what
 * must not train a model, with its kind), each with a manifest.csv. The thresholds were set on patients whose SHA-256 has
 * an even first byte; only films of the others count here. The odd pictures were all seen while tuning: their recall is
 * what the thresholds allow, not what a new hospital will see.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256, sha256Hex } from '@consilium/bytes';
import {
  examine,
  ImagingError,
  judge,
  readDataset,
  readImageFile,
  readXray,
  type DatasetRow,
  type JudgedFile,
  type XrayImage,
} from '@consilium/imaging';

interface Seen extends JudgedFile {
  readonly picture?: XrayImage;
}

/** @param row - its image is read from `folder`, and is called `prefix` and its name in what follows. */
async function see(folder: string, prefix: string, row: DatasetRow): Promise<Seen> {
  const named = { ...row, image: `${prefix}${row.image}` };
  try {
    const bytes = await readImageFile(folder, row.image);
    const digest = sha256Hex(bytes);
    const picture = await readXray(bytes);
    return { row: named, sha256: digest, picture, examination: examine(picture) };
  } catch (error) {
    if (!(error instanceof ImagingError)) throw error;
    return { row: named, code: error.code };
  }
}

async function seeAll(folder: string, prefix: string, rows: readonly DatasetRow[]): Promise<Seen[]> {
  const seen: Seen[] = [];
  for (const row of rows) seen.push(await see(folder, prefix, row));
  return seen;
}

/** image and kind are the first two cells, and neither is ever quoted. */
async function oddKinds(folder: string): Promise<ReadonlyMap<string, string>> {
  const [, ...lines] = (await readFile(join(folder, 'manifest.csv'), 'utf8')).trim().split(/\r?\n/);
  return new Map(lines.map((line) => line.split(',').slice(0, 2) as [string, string]));
}

const isHeldOut = ({ row }: Seen): boolean => (sha256(row.patient)[0] ?? 0) % 2 === 1;
const refusalOf = ({ code, examination }: Seen): string | undefined => code ?? examination?.refusal?.code;

/** For each key: files, those refused, the reasons, and the flags of the others. */
function tally(files: readonly Seen[], keyOf: (file: Seen) => string): Record<string, object> {
  const table: Record<string, { files: number; quarantined: number; reasons: Record<string, number> }> = {};
  for (const file of files) {
    const entry = (table[keyOf(file)] ??= { files: 0, quarantined: 0, reasons: {} });
    const refusal = refusalOf(file);
    entry.files += 1;
    if (refusal !== undefined) entry.quarantined += 1;
    for (const reason of refusal === undefined ? (file.examination?.flags ?? []) : [refusal]) {
      entry.reasons[reason] = (entry.reasons[reason] ?? 0) + 1;
    }
  }
  return table;
}

/** A quarter turn clockwise. */
function turned(pixels: XrayImage['pixels']): XrayImage['pixels'] {
  const side = Math.sqrt(pixels.length);
  return pixels.map((_, k) => pixels[(side - 1 - (k % side)) * side + Math.floor(k / side)] ?? 0);
}

/** Share of usable films that are refused when they are shown so. */
function refusedShare(files: readonly Seen[], shown: (pixels: XrayImage['pixels']) => XrayImage['pixels']): number {
  const pictures = files.flatMap((file) => (refusalOf(file) === undefined ? (file.picture ?? []) : []));
  const refused = pictures.filter(
    (picture) => examine({ ...picture, pixels: shown(picture.pixels) }).refusal !== undefined,
  );
  return refused.length / pictures.length;
}

/** @param data - the folder of both collections. @param turnedFilms - how many films are also shown turned or inverted. */
export async function gate(data: string, turnedFilms = 200): Promise<object> {
  const [films, oddFolder] = [join(data, 'cxr-dev'), join(data, 'cxr-odd')];
  const kinds = await oddKinds(oddFolder);
  const oddRows = [...kinds.keys()].map((image) => ({ image, patient: image, label: 'covid' }));
  const all = await seeAll(films, 'cxr-dev/', (await readDataset(films)).rows);
  const odd = await seeAll(oddFolder, 'cxr-odd/', oddRows);
  const heldOut = all.filter(isHeldOut);
  const falselyRefused = heldOut.filter((file) => refusalOf(file) !== undefined).length;
  const startedMs = performance.now();
  const verdicts = judge([...all, ...odd]);
  const judgingMs = performance.now() - startedMs;
  const kindOf = (image: string): string => kinds.get(image.replace('cxr-odd/', ''))?.replace(/ \(.*/, '') ?? '';
  const caught = verdicts.flatMap((verdict) =>
    verdict.status === 'quarantined' && verdict.file.row.image.startsWith('cxr-odd/')
      ? [{ kind: kindOf(verdict.file.row.image), reason: verdict.reason }]
      : [],
  );
  const repeated = verdicts.filter(
    (verdict) => verdict.status === 'quarantined' && verdict.of !== undefined && verdict.of.startsWith('cxr-dev/'),
  );
  const sample = heldOut.filter((_, k) => k % Math.max(1, Math.floor(heldOut.length / turnedFilms)) === 0);
  return {
    bench: 'gate',
    films: heldOut.length,
    falselyQuarantined: falselyRefused / heldOut.length,
    bySite: tally(heldOut, ({ row }) => row.site ?? ''),
    oddAlone: tally(odd, ({ row }) => kindOf(row.image)),
    oddBesideTheFilms: caught,
    recall: caught.length / odd.length,
    precision: caught.length / (caught.length + falselyRefused),
    filesJudgedAlikeAFilm: repeated.map(({ file, ...verdict }) => ({ file: file.row.image, ...verdict })),
    judgingMs,
    refusedWhenTurned: {
      clockwise: refusedShare(sample, turned),
      by180: refusedShare(sample, (pixels) => turned(turned(pixels))),
      anticlockwise: refusedShare(sample, (pixels) => turned(turned(turned(pixels)))),
      inverted: refusedShare(sample, (pixels) => pixels.map((grey) => 1 - grey)),
    },
  };
}
