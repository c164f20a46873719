/** Draws the synthetic X-rays of some hospitals: a process of its own, so that all cores draw. */
import { join } from 'node:path';
import { demoHospitals, writeHospitalFolder } from '@consilium/phantom';

const [directory, seed, images, count, first, step] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  string,
  string,
];
const hospitals = demoHospitals(Number(count), seed);
for (let i = Number(first); i < hospitals.length; i += Number(step)) {
  const hospital = hospitals[i] as (typeof hospitals)[number];
  await writeHospitalFolder({ directory: join(directory, hospital.site), hospital, images: Number(images), seed });
  process.stdout.write(`${JSON.stringify({ event: 'drawn', hospital: hospital.site })}\n`);
}
