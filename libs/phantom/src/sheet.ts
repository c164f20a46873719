/** Draws the contact sheet of the README: `node libs/phantom/dist/sheet.js [file]`. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { contactSheet } from './contact-sheet.js';
import { phantomLabels } from './findings.js';
import { demoHospitals } from './hospitals.js';
import { renderPhantom } from './phantom.js';

const seed = 'contact sheet';
const hospitals = demoHospitals(4, seed);
const tiles = phantomLabels.flatMap((label) =>
  hospitals.map(({ site, scanner }, i) => ({
    image: renderPhantom({ seed: `${seed}/${site}/${label}`, label, scanner }),
    ...(i === 0 ? { caption: label.toUpperCase() } : {}),
  })),
);
const file = process.argv[2] ?? join(import.meta.dirname, '..', 'contact-sheet.png');
await writeFile(file, await contactSheet(tiles, hospitals.length));
