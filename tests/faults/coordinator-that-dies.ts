/**
 * The product's coordinator on a store that kills its process: `HOME RUN-FILE PORT DEATH [DATABASE-URL]`. Renewals of the
 * lease are not counted, because their number depends on time.
 */
import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { enrolledHospitals, openCoordinator, openHome, readRunFile, runConfig } from '@consilium/coordinator';
import { openEmbeddedStore, openPostgresStore, type RunStore } from '@consilium/store';
import { Mortality, mortal } from './mortal.js';

const [directory = '', runFile = '', port = '', death = '', databaseUrl = ''] = process.argv.slice(2);

// Synchronous: what a killed process still held in memory nobody would hear.
const say = (line: object): void => void writeSync(1, `${JSON.stringify(line)}\n`);

const mortality = new Mortality(death);
/** Of chunks alone: `chunk-before:7`, `chunk-after:7`. */
const ofChunks = new Mortality(/^chunk-(.*)$/.exec(death)?.[1] ?? 'never');
const real =
  databaseUrl === '' ? await openEmbeddedStore(join(directory, 'store')) : await openPostgresStore(databaseUrl);
const blobs = mortal(mortal(real.blobs, ['append'], ofChunks), ['begin', 'append', 'complete', 'remove'], mortality);
const writes = mortal(real, ['acquireLease', 'createRun', 'append'], mortality);
const store = new Proxy<RunStore>(writes, {
  get: (target, name): unknown => (name === 'blobs' ? spiedBlobs : Reflect.get(target, name, target)),
});
const spiedBlobs: RunStore['blobs'] = new Proxy(blobs, {
  get(target, name): unknown {
    if (name !== 'begin') return Reflect.get(target, name, target);
    const begin: RunStore['blobs']['begin'] = async (lease, runId, blob, sizeBytes) => {
      say({ event: 'offered', blob });
      await target.begin(lease, runId, blob, sizeBytes);
    };
    return begin;
  },
});

const home = await openHome(directory);
const coordinator = await openCoordinator({
  ...{ home, store, host: '127.0.0.1', port: Number(port), log: pino({ enabled: false }) },
  progress: say,
});
const conductor = await coordinator.begin(runConfig(await readRunFile(runFile), await enrolledHospitals(home)));
await conductor.ended;
await coordinator.emptied();
say({ event: 'writes', count: mortality.calls });
await coordinator.close();
process.exit(0);
