/** Runs as people read them. */
import type { RoundDone, RunDetail, RunSummary } from '@consilium/operator-api';
import { table } from './output.js';

export function runTable(runs: readonly RunSummary[]): string {
  return table(
    ['RUN', 'STATUS', 'PHASE', 'ROUND', 'BEST', 'CREATED'],
    runs.map(({ run, status, failure, phase, round, rounds, bestRound, createdAt }) => [
      ...[
        run,
        failure === undefined ? status : `${status}: ${failure}`,
        phase,
        `${round}/${rounds}`,
        String(bestRound ?? '-'),
        createdAt,
      ],
    ]),
  );
}

export function runLines(run: RunDetail): string {
  const { status, reason, phase, stage, hospitals, history, bestRound, metric, events } = run;
  const limit = stage.limitMs === null ? '' : `, at most ${duration(stage.limitMs)}`;
  const lines = [
    `run        ${run.run}: ${run.study}`,
    `status     ${status}${reason === null ? '' : ` (${reason})`}`,
    `phase      ${phase}, round ${run.round} of ${run.rounds}, since ${stage.since}${limit}`,
    `signed     ${run.configDigest}`,
    `log        ${events} events`,
    '',
    table(
      ['HOSPITAL', 'CONNECTED', 'CONSENTED', 'OPEN ROUND'],
      hospitals.map(({ id, connected, consented, absent, inRound }) => [
        ...[id, connected ? 'yes' : absent ? 'absent' : 'no', consented ? 'yes' : 'no', inRound ?? '-'],
      ]),
    ),
  ];
  if (history.length > 0) {
    const score = ({ score }: RoundDone): string => (score === null ? '-' : score.value.toFixed(4));
    const head = ['ROUND', 'UPDATES', 'MISSING', 'EXAMPLES', 'SECONDS', 'BYTES', metric];
    const rows = history.map((round) => [
      `${round.round}${round.round === bestRound ? ' best' : ''}`,
      String(round.updates.length),
      round.missing.join(' ') || '-',
      ...[String(round.examples ?? '-'), round.seconds.toFixed(2), String(round.bytes), score(round)],
    ]);
    lines.push('', table(head, rows));
    for (const { round, excluded = [] } of history) {
      for (const { hospital, reason, measured } of excluded) {
        const figure = measured === null ? '' : `, ${measured.statistic} ${measured.value} over ${measured.bound}`;
        lines.push(`round ${round}: update of ${hospital} left out: ${reason}${figure}`);
      }
    }
  }
  return lines.join('\n');
}

/** In the largest unit that keeps it whole. */
function duration(ms: number): string {
  if (ms % 60_000 === 0) return `${ms / 60_000} min`;
  return ms % 1_000 === 0 ? `${ms / 1_000} s` : `${ms} ms`;
}
