/**
 * What idle hospitals cost the coordinator, how long an answer takes among them, and how long it takes until all are back
 * after all have lost their lines at once. Every hospital is the product's own channel; all live in this process.
 */
import { setTimeout } from 'node:timers/promises';
import { CoordinatorChannel } from '@consilium/hospital';
import { RawHospital } from '../support/raw-hospital.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';
import { Bench } from './coordinator.js';
import { quantile } from './quantile.js';

/** Below the strangers that one address may have. */
const TOGETHER = 48;
const ASKED = 2_000;

export interface ConnectionFigures {
  readonly bench: 'connections';
  readonly hospitals: number;
  readonly emptyMiB: number;
  readonly fullMiB: number;
  readonly kibPerHospital: number;
  readonly connectSeconds: number;
  /** Of `sync`, one at a time. */
  readonly ackMs: { readonly p50: number; readonly p99: number };
  /** From the cut of every line until every hospital is back. */
  readonly stormSeconds: number;
}

export async function connections({ hospitals }: { hospitals: number }): Promise<ConnectionFigures> {
  const bench = await Bench.prepare(hospitals + 1);
  const coordinator = await bench.coordinator();
  const proxy = await TcpProxy.open(coordinator.url);
  const channels: CoordinatorChannel[] = [];
  const up = new Set<string>();
  try {
    const names = bench.hospitals.slice(1);
    const credentials = await bench.each((name) => bench.credentials(name));
    const emptyMiB = coordinator.rssMiB();
    const startedMs = performance.now();
    for (const [k, name] of names.entries()) {
      const own = credentials[k + 1];
      if (own === undefined) throw new Error(`${name} has no keys`);
      const channel = new CoordinatorChannel({
        ...own,
        url: proxy.url,
        onStatement: () => undefined,
        onLine: (state) => {
          if (state === 'connected') up.add(name);
          else up.delete(name);
        },
        onRefused: ({ code }) => {
          throw new Error(`${name} was refused: ${code}`);
        },
      });
      channels.push(channel);
      await until(() => channels.length - up.size < TOGETHER);
      channel.open();
    }
    await until(() => up.size === hospitals);
    const connectSeconds = (performance.now() - startedMs) / 1_000;
    await setTimeout(2_000);
    const fullMiB = coordinator.rssMiB();
    const ackMs = await acks(coordinator.url, bench);
    proxy.cut();
    await until(() => up.size === 0);
    const lostMs = performance.now();
    await until(() => up.size === hospitals);
    const stormSeconds = (performance.now() - lostMs) / 1_000;
    const kibPerHospital = ((fullMiB - emptyMiB) * 1_024) / hospitals;
    return {
      bench: 'connections',
      ...{ hospitals, emptyMiB, fullMiB, kibPerHospital, connectSeconds, ackMs, stormSeconds },
    };
  } finally {
    for (const channel of channels) channel.close();
    await proxy.close();
    await coordinator.stop();
    await bench.clear();
  }
}

async function acks(url: string, bench: Bench): Promise<ConnectionFigures['ackMs']> {
  const line = await RawHospital.connect(url);
  const { answer } = await line.answerTo(await bench.credentials(bench.hospitals[0] as string));
  await line.ask('prove', { answer });
  const times: number[] = [];
  for (let k = 0; k < ASKED; k++) {
    const askedMs = performance.now();
    const { ok } = await line.ask('sync', {});
    if (!ok) throw new Error('sync was refused');
    times.push(performance.now() - askedMs);
  }
  line.leave();
  return { p50: quantile(times, 0.5), p99: quantile(times, 0.99) };
}
