/** How the shared head did here before and after each round, and how finished runs ended. */
import { groupBy } from '../learning/group-by.js';
import { figure } from '../report/figure-text.js';
import { markup, NOTHING, type Markup } from '../report/markup.js';
import { command, count, empty, table } from './elements.js';
import type { Facts } from './facts.js';
import type { Evaluated } from './story.js';
import { WORDS } from './words.js';

/** Rounds in the table; the chart has them all. */
const ROUNDS_SHOWN = 12;

export function roundsSection({ story, results, home }: Facts): Markup {
  const byRun = groupBy(story.evaluated, ({ run }) => run);
  const runs = [...byRun].reverse().slice(0, 2);
  return markup`<h2>${WORDS.rounds}</h2>${runs.length === 0 ? empty(WORDS.roundsNone) : empty(WORDS.roundsNote)}
${runs.map(([run, rounds]) => runFigures(run, rounds))}
${results.length === 0 ? NOTHING : finished(results, home)}`;
}

function runFigures(run: string, rounds: readonly Evaluated[]): Markup {
  const { round, images, before, after, auc, loss } = WORDS.columns;
  const ordered = [...rounds].sort((a, b) => a.round - b.round);
  const rows = ordered.map(({ round: number, scores }, k) => {
    const previous = ordered[k - 1];
    // Only of the round just before, and on the same images.
    const isComparable = previous?.round === number - 1 && previous.scores.part === scores.part;
    return [
      String(number),
      `${count(scores.examples)} ${WORDS.parts[scores.part]}`,
      isComparable ? figure(previous.scores.balancedAccuracy, 3) : '-',
      markup`<strong>${figure(scores.balancedAccuracy, 3)}</strong>`,
      figure(scores.auc, 3),
      figure(scores.loss, 3),
    ];
  });
  const heads = [round, images, `${before}: ${WORDS.balanced}`, `${after}: ${WORDS.balanced}`, auc, loss];
  return markup`<h3>${WORDS.run(run)}</h3>${chart(run, ordered)}${table(WORDS.run(run), heads, rows.reverse().slice(0, ROUNDS_SHOWN))}`;
}

const WIDTH = 640;
const HEIGHT = 140;
const LEFT = 34;
const BELOW = 18;

/** Balanced accuracy from 0 to 1; one point for each round. */
function chart(run: string, rounds: readonly Evaluated[]): Markup {
  const [first] = rounds;
  const last = rounds.at(-1);
  if (first === undefined || last === undefined || rounds.length < 2) return NOTHING;
  const x = (round: number): string =>
    (LEFT + ((WIDTH - LEFT - 8) * (round - first.round)) / Math.max(1, last.round - first.round)).toFixed(1);
  const y = (value: number): string => (6 + (HEIGHT - BELOW - 6) * (1 - value)).toFixed(1);
  const points = rounds.map(({ round, scores }) => `${x(round)},${y(scores.balancedAccuracy)}`);
  const grid = [0, 0.5, 1].map(
    (value) =>
      markup`<line x1="${LEFT}" x2="${WIDTH}" y1="${y(value)}" y2="${y(value)}"/><text x="${LEFT - 6}" y="${y(value)}" dy="4" text-anchor="end">${value.toFixed(1)}</text>`,
  );
  const label = WORDS.chart(run, figure(first.scores.balancedAccuracy), figure(last.scores.balancedAccuracy));
  const ends = [first, last].map(
    ({ round }, k) =>
      markup`<text x="${x(round)}" y="${HEIGHT - 2}" text-anchor="${k === 0 ? 'start' : 'end'}">${WORDS.round(round)}</text>`,
  );
  return markup`<svg class="chart" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${label}">${grid}${ends}<polyline points="${points.join(' ')}"/>${rounds.map(({ round, scores }) => markup`<circle cx="${x(round)}" cy="${y(scores.balancedAccuracy)}" r="3"/>`)}</svg>`;
}

function finished(results: Facts['results'], home: string): Markup {
  const { run, rounds, alone, shared } = WORDS.resultsColumns;
  const rows = results.map((result) => [
    result.run,
    String(result.rounds),
    figure(result.localOnly.balancedAccuracy, 3),
    markup`<strong>${figure(result.federated.balancedAccuracy, 3)}</strong>`,
  ]);
  return markup`<h3>${WORDS.results}</h3>${empty(WORDS.resultsNote)}${table(WORDS.results, [run, rounds, alone, shared], rows)}
${command(`${home}/results/${results[0]?.run ?? ''}.report.html`)}`;
}
