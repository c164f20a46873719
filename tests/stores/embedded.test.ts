/** Claims: the embedded store keeps what `conformance.ts` claims of every store. Oracle: see there. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedStore } from '@consilium/store';
import { afterAll, describe } from 'vitest';
import { conformance } from './conformance.js';

const folders: string[] = [];
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true });
});

describe('the embedded store', () => {
  conformance(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'consilium-store-'));
    folders.push(folder);
    return () => openEmbeddedStore(join(folder, 'store'));
  });
});
