/** Writes the report with a contact sheet. Pictures are decoded a second time, so that checking needs little memory. */
import { open, rename } from 'node:fs/promises';
import { DecoderPool, IMAGE_SIDE, ImagingError, readImageFile, type Verdict } from '@consilium/imaging';
import sharp from 'sharp';
import type { Findings } from './findings.js';
import { page, type Thumbnail } from './page.js';

/** Of usable files, and as many of quarantined ones: some 500 kB together. */
const THUMBNAILS_MAX = 96;
const THUMBNAIL_SIDE = 112;

/** Evenly from the whole list, which is sorted by site or by class in many folders. */
const sampleOf = (verdicts: readonly Verdict[]): readonly Verdict[] =>
  verdicts.length <= THUMBNAILS_MAX
    ? verdicts
    : Array.from(
        { length: THUMBNAILS_MAX },
        (_, k) => verdicts[Math.floor((k * verdicts.length) / THUMBNAILS_MAX)] as Verdict,
      );

async function thumbnailOf(verdict: Verdict, folder: string, decoders: DecoderPool): Promise<Thumbnail> {
  const { image, label = '' } = verdict.file.row;
  const caption = verdict.status === 'usable' ? label : verdict.reason;
  if (verdict.file.code !== undefined) return { file: image, caption };
  try {
    const { image: decoded } = await decoders.decode(await readImageFile(folder, image));
    const greys = Uint8Array.from(decoded.pixels, (grey) => Math.round(grey * 255));
    const raw = { width: IMAGE_SIDE, height: IMAGE_SIDE, channels: 1 } as const;
    const jpeg = await sharp(greys, { raw })
      .resize(THUMBNAIL_SIDE)
      .toColourspace('b-w')
      .jpeg({ quality: 60 })
      .toBuffer();
    return { file: image, caption, jpeg };
  } catch (error) {
    // Between the check and the report the file may have changed.
    if (error instanceof ImagingError) return { file: image, caption };
    throw error;
  }
}

/** In the order of `verdicts`. */
async function thumbnailsOf(
  verdicts: readonly Verdict[],
  folder: string,
  decoders: DecoderPool,
): Promise<readonly Thumbnail[]> {
  const chosen = sampleOf(verdicts);
  const thumbnails = new Array<Thumbnail>(chosen.length);
  const queue = chosen.entries();
  const reader = async (): Promise<void> => {
    for (const [k, verdict] of queue) thumbnails[k] = await thumbnailOf(verdict, folder, decoders);
  };
  await Promise.all(Array.from({ length: decoders.capacity }, reader));
  return thumbnails;
}

/** @param file - replaced in one step, readable for this account only. */
export async function writeReport(file: string, folder: string, findings: Findings, threads: number): Promise<void> {
  const decoders = new DecoderPool({ workers: threads });
  const ofStatus = (status: Verdict['status']): readonly Verdict[] =>
    findings.verdicts.filter((verdict) => verdict.status === status);
  try {
    const usable = await thumbnailsOf(ofStatus('usable'), folder, decoders);
    const quarantined = await thumbnailsOf(ofStatus('quarantined'), folder, decoders);
    await writePrivate(file, page(findings, { usable, quarantined }));
  } finally {
    await decoders.close();
  }
}

async function writePrivate(file: string, text: string): Promise<void> {
  // A new file under a name of its own: the mode of an existing one would stay as it was, and a link would be followed.
  const draft = `${file}.${process.pid}.part`;
  const handle = await open(draft, 'wx', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(draft, file);
}
