/** The outcome: result.json for programs, one table for people. */
import Table from 'cli-table3';
import type { Federation } from './federation.js';
import type { Metrics, Pooled, RoundDone, Summary } from './steps.js';

export interface HospitalResult {
  readonly id: string;
  readonly train: number;
  readonly test: number;
  readonly bytesSent: number;
  readonly localOnly: Metrics;
  readonly federated: Metrics;
  readonly pooled: Metrics;
  /** Wall time by activity. */
  readonly seconds: Readonly<Record<string, number>>;
  readonly quarantined: Readonly<Record<string, number>>;
  readonly warnings: readonly string[];
}

export interface DemoResult {
  readonly seconds: number;
  readonly rounds: readonly Omit<RoundDone, 'event'>[];
  readonly hospitals: readonly HospitalResult[];
  readonly lost: Federation['lost'];
  readonly pooled: Metrics;
  readonly federated: Metrics;
  readonly backbone: Summary['backbone'];
  readonly engine: string;
  readonly trainer: string;
  readonly mode: string;
  /** null in the mode sealed. */
  readonly collusion: Summary['collusion'];
  /** Of all hospitals together. */
  readonly sums: Summary['sums'];
}

export function demoResult(federation: Federation, pooled: Pooled, seconds: number): DemoResult {
  const summaries = [...federation.summaries];
  const first = summaries[0]?.[1];
  if (first === undefined) throw new TypeError('a result needs a hospital');
  const { backbone, engine, trainer, mode, collusion } = first;
  const total = (how: keyof Summary['sums']): number => summaries.reduce((sum, [, { sums }]) => sum + sums[how], 0);
  const sums = { whole: total('whole'), sampled: total('sampled'), no: total('no') };
  return {
    seconds,
    rounds: federation.rounds.map(({ round, seconds, hospitals, missing, totals }) => ({
      ...{ round, seconds, hospitals, missing, totals },
    })),
    hospitals: summaries.map(([id, summary], i) => {
      const { train, test, bytesSent, localOnly, federated, seconds, quarantined, warnings } = summary;
      return {
        id,
        train,
        test,
        bytesSent,
        localOnly,
        federated,
        pooled: pooled.perHospital[i] as Metrics,
        seconds,
        quarantined,
        warnings,
      };
    }),
    lost: federation.lost,
    pooled: pooled.pooled,
    federated: pooled.federated,
    ...{ backbone, engine, trainer, mode, collusion, sums },
  };
}

export function resultTable(result: DemoResult): string {
  const figures = plainTable(['hospital', 'train', 'test', 'local only', 'federated', 'pooled']);
  const effort = plainTable(['hospital', 'sent', 'read+embed', 'training', 'transfer', 'waiting']);
  for (const { id, train, test, localOnly, federated, pooled, bytesSent, seconds } of result.hospitals) {
    figures.push([id, train, test, cell(localOnly), cell(federated), cell(pooled)]);
    effort.push([id, kibibytes(bytesSent), ...shares(seconds)]);
  }
  const sum = (of: (hospital: HospitalResult) => number): number =>
    result.hospitals.reduce((total, one) => total + of(one), 0);
  const all = sum(({ train }) => train);
  figures.push(['all', all, sum(({ test }) => test), '', cell(result.federated), cell(result.pooled)]);
  effort.push(['all', kibibytes(sum(({ bytesSent }) => bytesSent)), '', '', '', '']);
  return [
    '',
    figures.toString(),
    'Balanced accuracy / AUC on held-out patients; "pooled" trains on all data in one',
    'place and is computed for comparison only.',
    '',
    effort.toString(),
    'Bytes sent to the coordinator, and where the time of each hospital went.',
    '',
    ...result.lost.map(({ id, why }) => `LOST ${id}: ${why}`),
    ...result.hospitals.flatMap(({ id, warnings }) => warnings.map((warning) => `warning ${id}: ${warning}`)),
    ...whoSawWhat(result),
    `backbone ${result.backbone.name},`,
    `embeddings ${result.engine}, training ${result.trainer}, ${result.seconds.toFixed(1)} s`,
    ...(result.backbone.trained
      ? []
      : ['The backbone is untrained: the figures show the mechanism, not a useful model.']),
    'Research use only.',
  ].join('\n');
}

/** What table A.10 of the design says, and how far hospitals have checked it. */
function whoSawWhat({ mode, collusion, sums }: DemoResult): string[] {
  if (mode === 'sealed') return ['mode sealed: THE COORDINATOR SAW EACH UPDATE; the other hospitals saw none.'];
  if (collusion === null) return [`mode ${mode}`];
  const { hospitals, tolerated } = collusion;
  const followed = sums.whole + sums.sampled + sums.no;
  const how = [`${sums.whole} whole`, `${sums.sampled} in random parts`, `${sums.no} not`].join(', ');
  return [
    "mode secagg: nobody saw one hospital's update, size or figures; the coordinator",
    'opened sums alone, of three hospitals or more. It would take the coordinator and',
    `at least ${tolerated + 1} of ${hospitals} hospitals together to see one. Hospitals followed ${followed} sums and`,
    `recomputed ${how}.`,
  ];
}

/** Without lines: two of them fit an 80-column terminal. */
function plainTable(head: string[]): Table.Table {
  const none = [
    'top',
    'top-mid',
    'top-left',
    'top-right',
    'bottom',
    'bottom-mid',
    'bottom-left',
    'bottom-right',
  ] as const;
  const inner = ['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid'] as const;
  return new Table({
    head,
    colAligns: head.map((_, column) => (column === 0 ? 'left' : 'right')),
    chars: { ...Object.fromEntries([...none, ...inner].map((part) => [part, ''])), middle: '  ' },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
}

const figure = (value: number | null): string => (value === null ? '  -  ' : value.toFixed(3));
const cell = ({ balancedAccuracy, auc }: Metrics): string => `${figure(balancedAccuracy)} / ${figure(auc)}`;
const kibibytes = (bytes: number): string => `${(bytes / 1024).toFixed(1)} KiB`;

/** In the order of the columns. */
function shares(seconds: Readonly<Record<string, number>>): string[] {
  const total = Object.values(seconds).reduce((a, b) => a + b, 0);
  const share = (...activities: string[]): string => {
    const spent = activities.reduce((sum, activity) => sum + (seconds[activity] ?? 0), 0);
    return `${((100 * spent) / total).toFixed(0)} %`;
  };
  return [share('preparing'), share('training', 'evaluating'), share('transfer'), share('waiting')];
}
