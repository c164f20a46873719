/** X-rays per second: from files on disk to standardised embeddings, and the network alone on decoded images. */
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEngine, untrainedBackbone } from '@consilium/backbone';
import { hospitalConfig, readLocalData } from '@consilium/hospital';
import { demoHospitals, writeHospitalFolder } from '@consilium/phantom';

export async function embeddings(images: number): Promise<object> {
  const threads = availableParallelism();
  const directory = await mkdtemp(join(tmpdir(), 'consilium-bench-'));
  const [png, jpeg] = demoHospitals(2, 'bench');
  const perSecond: Record<string, number> = {};
  for (const hospital of [png, jpeg]) {
    if (hospital === undefined) continue;
    const data = join(directory, hospital.site);
    await writeHospitalFolder({ directory: data, hospital, images, seed: 'bench' });
    const config = hospitalConfig(
      { coordinator: 'http://127.0.0.1', data, cache: join(directory, 'cache'), threads },
      directory,
    );
    const startedMs = performance.now();
    await readLocalData(config, () => undefined);
    perSecond[hospital.scanner.format] = (1_000 * images) / (performance.now() - startedMs);
  }
  const engine = await openEngine(await untrainedBackbone(), { threads });
  const pixels = new Float32Array(224 * 224).fill(0.5);
  await engine.embed(pixels, 1);
  const startedMs = performance.now();
  for (let i = 0; i < 40; i++) await engine.embed(pixels, 1);
  const inference = 40_000 / (performance.now() - startedMs);
  await engine.close();
  await rm(directory, { recursive: true });
  return {
    bench: 'embeddings',
    images,
    threads,
    endToEndPerSecond: perSecond,
    note: 'end to end includes making the backbone',
    inferencePerSecond: inference,
  };
}
