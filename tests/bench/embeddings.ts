/**
 * X-rays per second, from files on disk to standardised embeddings, next to the network alone on the same engine in the
 * same run. Both are measured in turns, so that a machine that slows down slows both.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEngine, untrainedBackbone, type Engine } from '@consilium/backbone';
import { hospitalConfig, readLocalData } from '@consilium/hospital';
import { demoHospitals, writeHospitalFolder } from '@consilium/phantom';
import { writeAsDicom } from './dicom-folder.js';

/** Until here the engine is being opened and the decoders are started. */
const WARM_UP = 8;
const ALONE = 30;

interface Speed {
  readonly perSecond: number;
  /** Of all threads, for one image: says more than the clock where other programs share the cores. */
  readonly cpuMs: number;
}

function stopwatch(): (images: number) => Speed {
  const startedMs = performance.now();
  const startedCpu = process.cpuUsage();
  return (images) => {
    const { user, system } = process.cpuUsage(startedCpu);
    const perSecond = (1_000 * images) / (performance.now() - startedMs);
    return { perSecond, cpuMs: (user + system) / 1_000 / images };
  };
}

async function endToEnd(data: string, cache: string, threads: number): Promise<Speed> {
  const config = hospitalConfig({ coordinator: 'http://127.0.0.1', data, cache, threads }, data);
  let stop = stopwatch();
  let counted = 0;
  await readLocalData(config, (done, total) => {
    if (done === WARM_UP) stop = stopwatch();
    counted = total - WARM_UP;
  });
  return stop(counted);
}

async function alone(engine: Engine): Promise<Speed> {
  const pixels = new Float32Array(224 * 224).fill(0.5);
  await engine.embed(pixels, 1);
  const stop = stopwatch();
  for (let i = 0; i < ALONE; i++) await engine.embed(pixels, 1);
  return stop(ALONE);
}

const mean = (a: Speed, b: Speed): Speed => ({
  perSecond: (a.perSecond + b.perSecond) / 2,
  cpuMs: (a.cpuMs + b.cpuMs) / 2,
});

async function folders(directory: string, images: number): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const hospital of demoHospitals(2, 'bench')) {
    const data = join(directory, hospital.site);
    await writeHospitalFolder({ directory: data, hospital, images, seed: 'bench' });
    found.set(hospital.scanner.format, data);
  }
  await writeAsDicom(found.get('png16') ?? '', join(directory, 'dicom'));
  return found.set('dicom', join(directory, 'dicom'));
}

export async function embeddings(images: number): Promise<object> {
  if (images <= WARM_UP) throw new Error(`--images must be more than ${WARM_UP}`);
  const threads = availableParallelism();
  const directory = await mkdtemp(join(tmpdir(), 'consilium-bench-'));
  const data = await folders(directory, images);
  const engine = await openEngine(await untrainedBackbone(), { threads });
  const formats: Record<string, object> = {};
  for (const [format, folder] of data) {
    const before = await alone(engine);
    const whole = await endToEnd(folder, join(directory, `cache of ${format}`), threads);
    const inference = mean(before, await alone(engine));
    const cached = await endToEnd(folder, join(directory, `cache of ${format}`), threads);
    const [ratio, cpuRatio] = [whole.perSecond / inference.perSecond, inference.cpuMs / whole.cpuMs];
    formats[format] = { endToEnd: whole, inference, ratio, cpuRatio, cachedPerSecond: cached.perSecond };
  }
  await engine.close();
  await rm(directory, { recursive: true });
  return {
    bench: 'embeddings',
    images,
    threads,
    formats,
    peakRssMb: Math.round(process.resourceUsage().maxRSS / 1024),
    note: `from the ${WARM_UP}th image on; both engines and all decoders are in this one process`,
  };
}
