/** The report of one run at one hospital: a page that needs nothing but itself, and no image, name or patient in it. */
import type { Summary } from '../learning/summary.js';
import { MOST_CURVES, reliabilityChart, rocChart, type Column } from './charts.js';
import { howSure } from './figure-text.js';
import { markup, NOTHING, type Markup } from './markup.js';
import { classTable, confusionTable, countTable, figureTable, MOST_CLASSES } from './tables.js';

const STYLE = markup`<style>
:root { color-scheme: light dark; --ink: #1b1f24; --dim: #57606a; --paper: #fff; --line: #d0d7de; --note: #fff8c5; --edge: #9a6700; --blue: #0072b2; --red: #d55e00; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --dim: #9ea7b3; --paper: #0d1117; --line: #30363d; --note: #2d2200; --edge: #d29922; --blue: #1f7ab8; --red: #c05a10; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: 0; } h2 { font-size: 1.15rem; margin: 2.2rem 0 0.6rem; }
p.under, small { color: var(--dim); } p.under { margin-top: 0.2rem; } small { display: block; font-size: 0.8rem; font-weight: 400; }
.note { background: var(--note); border-left: 4px solid var(--edge); padding: 0.6rem 1rem; margin: 1rem 0; }
.note p { margin: 0.2rem 0; }
table { border-collapse: collapse; } th, td { padding: 0.35rem 0.9rem; border-bottom: 1px solid var(--line); text-align: right; font-variant-numeric: tabular-nums; }
th[scope=row], th[scope=rowgroup] { text-align: left; font-weight: 500; } th[scope=rowgroup] { vertical-align: top; font-weight: 600; }
thead th:first-child { text-align: left; } thead th, thead td { color: var(--dim); font-weight: 600; font-size: 0.9rem; } caption { font-weight: 600; text-align: left; padding-bottom: 0.3rem; }
.confusion td.right { background: color-mix(in srgb, var(--blue) var(--shade, 0%), transparent); }
.confusion td.wrong { background: color-mix(in srgb, var(--red) var(--shade, 0%), transparent); }
.confusion thead td { background: none; font-weight: 400; text-align: left; padding-left: 0; } .confusion th[scope=row] { padding-left: 0; }
.side { display: flex; flex-wrap: wrap; gap: 2rem; } .wide { overflow-x: auto; } .wide svg { max-width: none; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.2rem 1.2rem; } dt { color: var(--dim); } dd { margin: 0; overflow-wrap: anywhere; }
</style>`;

/** Without scripts, and without a request to anywhere: a report that is opened says so to nobody. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

export function columnsOf({ details: { localOnly, federated, pooled } }: Summary): readonly Column[] {
  return [
    { title: 'trained here alone', assessment: localOnly },
    { title: 'federated', assessment: federated },
    ...(pooled === undefined ? [] : [{ title: 'pooled', assessment: pooled }]),
  ];
}

export function reportPage(summary: Summary): string {
  const { hospital, run, details } = summary;
  const { labels, federated, pooled } = details;
  const columns = columnsOf(summary);
  const sure = howSure(federated.examples, federated.patients, federated.accuracy, federated.intervals.accuracy);
  const figures = markup`<h2>How the heads do on this hospital's held-out images</h2>
<p>${sure}</p>
${figureTable(columns)}
<p class="under">Below each figure its 95 % interval: 1,000 bootstrap resamples of patients. "Trained here alone" had as many
epochs as the run, without the others. "No spread": too few images to show any, not certainty.${pooled === undefined ? NOTHING : ' "Pooled" was trained on the images of all hospitals in one place, for comparison only.'}</p>
<h2>Class by class</h2>
${classTable(labels, columns)}
<h2>What was taken for what</h2>
<div class="side">${columns.map(({ title, assessment }) => confusionTable(labels, title, assessment))}</div>
<p class="under">Counts of images. A count below 5 may point at single patients: this page stays in the hospital.</p>
${labels.length > MOST_CLASSES ? markup`<p class="under">The first ${MOST_CLASSES} of ${labels.length} classes; all are in ${run}.json.</p>` : NOTHING}
<h2>Sensitivity against specificity</h2>
<div class="wide">${rocChart(labels, columns)}</div>
${labels.length > MOST_CURVES ? markup`<p class="under">The ${MOST_CURVES} classes with the most test images.</p>` : NOTHING}
<h2>How far a probability can be believed</h2>
<div class="wide">${reliabilityChart(columns)}</div>
<p class="under">Below the diagonal a head is surer than it is right. The larger a dot, the more images; with few images the
calibration error is mostly noise, and too large.</p>`;
  return markup`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="referrer" content="no-referrer">
<title>${run} at ${hospital}</title>${STYLE}</head><body>
<h1>Run ${run} at ${hospital}</h1>
<p class="under">${details.study}</p>
${notes(summary)}
${federated.examples === 0 ? markup`<h2>No figures</h2><p>${sure}</p>` : figures}
<h2>Images</h2>
<div class="side">${countTable(['part', 'images'], { training: summary.train, validation: summary.validation, test: summary.test })}
${Object.keys(summary.quarantined).length === 0 ? markup`<p>None was quarantined.</p>` : countTable(['quarantined for', 'images'], summary.quarantined)}</div>
<h2>How it was made</h2>
${provenance(summary)}
</body></html>
`.html;
}

function notes({ backbone, warnings }: Summary): Markup {
  const untrained = backbone.trained
    ? NOTHING
    : markup`<p><strong>The backbone is untrained.</strong> The figures show the mechanism, not a useful model.</p>`;
  return markup`<div class="note"><p><strong>Research use only: not a medical device.</strong></p>${untrained}
${warnings.map((warning) => markup`<p>${warning}</p>`)}</div>`;
}

function provenance({ rounds, mode, whoSees, sums, backbone, engine, trainer, bytesSent }: Summary): Markup {
  const facts: readonly (readonly [string, string])[] = [
    ['rounds', String(rounds)],
    ['trust mode', mode],
    ['who could see what', whoSees.join('; ')],
    ...(mode === 'secagg' ? ([['sums recomputed here', sumsChecked(sums)]] as const) : []),
    ['backbone', `${backbone.name}, ${backbone.trained ? 'trained' : 'untrained'}`],
    ['its hash', backbone.hash],
    ['embeddings by', engine],
    ['head trained by', trainer],
    ['bytes sent', bytesSent.toLocaleString('en')],
  ];
  return markup`<dl>${facts.map(([name, value]) => markup`<dt>${name}</dt><dd>${value}</dd>\n`)}</dl>`;
}

const sumsChecked = ({ whole, sampled, no }: Summary['sums']): string =>
  `${whole} whole, ${sampled} in random parts, ${no} not: their masked updates were not kept any more`;
