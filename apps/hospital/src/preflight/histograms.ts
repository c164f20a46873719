/** Grey histograms as inline SVG: a class that is taken on other machines shows here before a model learns the machine. */
import type { Verdict } from '@consilium/imaging';
import { escaped } from '../escaped.js';

const [WIDTH, HEIGHT] = [240, 72];

function chart(label: string, images: number, shares: readonly number[], highest: number): string {
  const step = WIDTH / shares.length;
  const bars = shares.map((share, k) => {
    const height = (share / highest) * HEIGHT;
    const [x, y] = [k * step, HEIGHT - height];
    return `<rect x="${x.toFixed(1)}" y="${y.toFixed(1)}" width="${(step - 1).toFixed(1)}" height="${height.toFixed(1)}"/>`;
  });
  return `<div><svg width="${WIDTH}" height="${HEIGHT}" fill="#3d6d99" role="img">${bars.join('')}</svg>${escaped(label)} (${images})</div>`;
}

/** One chart for each label of usable images, all on one scale, dark on the left. */
export function histogramCharts(verdicts: readonly Verdict[]): string {
  const sums = new Map<string, { images: number; shares: number[] }>();
  for (const { status, file } of verdicts) {
    const { row, examination } = file;
    if (status !== 'usable' || examination === undefined || row.label === undefined) continue;
    const before = sums.get(row.label);
    sums.set(row.label, {
      images: (before?.images ?? 0) + 1,
      shares: examination.histogram.map((share, k) => share + (before?.shares[k] ?? 0)),
    });
  }
  const means = [...sums]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([label, { images, shares }]) => ({ label, images, shares: shares.map((share) => share / images) }));
  if (means.length === 0) return '<p>No usable image.</p>';
  const highest = Math.max(...means.flatMap(({ shares }) => shares));
  const charts = means.map(({ label, images, shares }) => chart(label, images, shares, highest));
  return `<div class="charts">${charts.join('')}</div>`;
}
