/** `index.html`: predictions for people, as one file that asks nobody for anything. */
import { createHash } from 'node:crypto';
import { noteOf, type ModelCard } from './card.js';
import { PICTURE_HEIGHT, PICTURE_SIDE } from './picture.js';
import type { Prediction } from './prediction.js';
import { escaped } from '../escaped.js';

export interface PageEntry {
  readonly prediction: Prediction;
  /** Relative to the page, with `/`; absent for what was not classified. */
  readonly picture?: string;
  /** Shown in the page; absent when there are too many. */
  readonly jpeg?: Buffer;
}

/** Pictures in one page; a page of thousands would not open. The others are linked. */
export const PICTURES_MAX = 200;

const STYLE = `
:root { color-scheme: light dark; --line: #8884; --accent: #0072b2; --faint: #6b6b6b; }
@media (prefers-color-scheme: dark) { :root { --accent: #56b4e9; --faint: #a5a5a5; } }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 76rem; padding: 1.5rem; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .75rem; }
p { margin: .25rem 0; max-width: 60rem; }
.warning { border-left: .3rem solid #d55e00; padding: .4rem .8rem; margin: 1rem 0; font-weight: 600; }
.faint { color: var(--faint); font-size: .875rem; }
.cards { display: grid; gap: 1.25rem; grid-template-columns: repeat(auto-fill, minmax(19rem, 1fr)); }
article { border: 1px solid var(--line); border-radius: .5rem; overflow: hidden; }
article img { display: block; width: 100%; height: auto; background: #000; }
article div { padding: .6rem .8rem .8rem; }
h3 { font-size: .9rem; margin: 0 0 .4rem; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
td, th { text-align: left; padding: .1rem .5rem .1rem 0; vertical-align: middle; overflow-wrap: anywhere; }
td.number { text-align: right; white-space: nowrap; padding-right: 0; }
tr.best { font-weight: 600; }
.list { width: auto; min-width: 24rem; }
.list th:last-child:not(:first-child) { text-align: right; padding-right: 0; }
.list td, .list th { border-bottom: 1px solid var(--line); padding: .3rem .8rem .3rem 0; }
svg { display: block; width: 100%; height: .7rem; } svg rect { fill: var(--accent); }
`;

const policy = `default-src 'none'; img-src data:; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; base-uri 'none'; form-action 'none'`;

const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;
type Predicted = Extract<Prediction, { status: 'predicted' }>;

function bars({ probabilities, label }: Predicted): string {
  const rows = Object.entries(probabilities).map(([name, value]) => {
    const width = (100 * Math.min(1, Math.max(0, value))).toFixed(1);
    const bar = `<svg viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true"><rect width="${width}" height="4"/></svg>`;
    return `<tr${name === label ? ' class="best"' : ''}><td>${escaped(name)}</td><td width="45%">${bar}</td><td class="number">${percent(value)}</td></tr>`;
  });
  return `<table>${rows.join('')}</table>`;
}

function card(prediction: Predicted, jpeg: Buffer): string {
  const { file, label } = prediction;
  const text = `${escaped(file)}: where the evidence for ${escaped(label)} lies`;
  const image = `<img src="data:image/jpeg;base64,${jpeg.toString('base64')}" width="${PICTURE_SIDE}" height="${PICTURE_HEIGHT}" alt="${text}">`;
  return `<article>${image}<div><h3>${escaped(file)}</h3>${bars(prediction)}</div></article>`;
}

function summary(predictions: readonly Prediction[]): string {
  const counts = new Map<string, number>();
  for (const prediction of predictions) {
    const key = prediction.status === 'predicted' ? prediction.label : `quarantined: ${prediction.reason}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const ordered = [...counts].sort(([, a], [, b]) => b - a);
  const rows = ordered.map(([key, n]) => `<tr><td>${escaped(key)}</td><td class="number">${n}</td></tr>`);
  return `<table class="list"><tr><th>most probable class, or reason</th><th>files</th></tr>${rows.join('')}</table>`;
}

function section(title: string, content: readonly string[], wrap: (inner: string) => string): string {
  return content.length === 0 ? '' : `<h2>${title}</h2>${wrap(content.join('\n'))}`;
}

const heatText = (kind: 'linear' | 'mlp'): string =>
  kind === 'linear'
    ? 'The colours are the exact class activation map: how much each place adds to the score of the most probable class, from the least place of this picture (no colour) to the most (yellow). They do not compare between pictures.'
    : 'The colours are a gradient map (Grad-CAM): which places raise the score of the most probable class, to first order, from none (no colour) to the most of this picture (yellow). They do not compare between pictures.';

/** @returns the whole page; it loads nothing and runs nothing. */
export function predictionsPage(release: ModelCard, entries: readonly PageEntry[]): string {
  const cards: string[] = [];
  const linked: string[] = [];
  const quarantined: string[] = [];
  for (const { prediction, picture = '', jpeg } of entries) {
    if (prediction.status === 'quarantined') {
      quarantined.push(`<tr><td>${escaped(prediction.file)}</td><td>${escaped(prediction.reason)}</td></tr>`);
    } else if (jpeg === undefined) {
      const { file, label, probabilities } = prediction;
      const link = `<a href="${escaped(picture)}">${escaped(file)}</a>`;
      const share = percent(probabilities[label] ?? NaN);
      linked.push(`<tr><td>${link}</td><td>${escaped(label)}</td><td class="number">${share}</td></tr>`);
    } else cards.push(card(prediction, jpeg));
  }
  const list = (inner: string): string => `<table class="list">${inner}</table>`;
  const { study, run, backbone, hospitals, head } = release;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>Predictions: ${escaped(study.name)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escaped(study.name)}</h1>
<p>Model of run ${escaped(run)}, trained by ${hospitals.length} hospital${hospitals.length === 1 ? '' : 's'} on ${escaped(backbone.name)}.</p>
<p class="warning">${escaped(noteOf(release))}</p>
<p class="faint">${heatText(head.kind)} A heat map shows what this model used, not where a disease is.</p>
<h2>${entries.length} file${entries.length === 1 ? '' : 's'}</h2>
${summary(entries.map(({ prediction }) => prediction))}
${section('Classified', cards, (inner) => `<div class="cards">${inner}</div>`)}
${section('Classified, pictures in the folder heatmaps', linked, list)}
${section('Quarantined, not classified', quarantined, list)}
</body>
</html>
`;
}
