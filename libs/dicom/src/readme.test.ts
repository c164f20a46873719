/** Claim: the example of README.md compiles, runs and says the truth. Oracle: the README's own text. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { displayGrey, isDicom, parseDicom, storedValues } from './index.js';
import { sampleDicom } from './samples.js';

it('runs the example of the README', async () => {
  const file = sampleDicom({ rows: 2, columns: 3, cells: [0, 1, 2, 3, 4, 5] });
  // example
  if (!isDicom(file)) throw new TypeError('some other kind of file');
  const dicom = parseDicom(file); // the header only; DicomError NO_PIXEL_DATA, TRUNCATED, ... with a literal code
  const { modality, rows, columns, frames } = dicom.facts;
  const stored = await storedValues(dicom); // Int32Array of frames * rows * columns * samples, before any table
  const { grey, width, height } = await displayGrey(dicom); // Uint16Array as a viewer shows it, 0 black .. 65535 white
  // end
  expect({ modality, rows, columns, frames, width, height }).toEqual({
    modality: 'DX',
    rows: 2,
    columns: 3,
    frames: 1,
    width: 3,
    height: 2,
  });
  expect([...stored]).toEqual([0, 1, 2, 3, 4, 5]);
  expect([...grey]).toEqual([0, 13_107, 26_214, 39_321, 52_428, 65_535]);

  const source =
    readFileSync(new URL(import.meta.url), 'utf8')
      .split('// example\n')[1]
      ?.split('  // end')[0] ?? '';
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  expect(readme).toContain(source.replace(/^ {2}/gm, '').trim());
});
