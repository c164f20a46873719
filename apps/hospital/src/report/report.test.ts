/**
 * Claims: (1) nothing from outside becomes markup, whatever a label, a study, a reason code or a hospital is called; (2) the
 * page and the plots run no script, ask nobody for anything and are well-formed; (3) every figure stands beside its
 * interval, for each head; (4) small numbers are said to be small, and no interval without width looks like certainty;
 * (5) an untrained backbone, quarantine counts and "research use only" are on the page; (6) a thousand classes fit;
 * (7) only the owner may read the files; a pooled head is added to what a run left.
 * Oracle: hostile names; a scanner of tags written here; the figures of the summary.
 */
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Summary } from '../learning/summary.js';
import { reliabilityChart, rocChart } from './charts.js';
import { howSure } from './figure-text.js';
import { markup } from './markup.js';
import { columnsOf, reportPage } from './page.js';
import { sampleAssessment, sampleSummary } from './sample-summary.js';
import { addPooled, writeResults } from './write-results.js';

/** Elements without an end in HTML. */
const VOID = new Set(['meta', 'br']);

/** @returns Every element by name; throws at the first tag that does not close the one that is open. */
function elements(text: string): string[] {
  const open: string[] = [];
  const names: string[] = [];
  const content = text.replace(/^<!doctype html>|^<\?xml[^>]*\?>/, '');
  for (const [, slash, name = '', attributes = ''] of content.matchAll(
    /<(\/?)([a-z]+[0-9]?)((?:\s+[a-zA-Z0-9:-]+="[^"<]*")*\s*\/?)>/g,
  )) {
    if (slash === '/') {
      expect(open.pop()).toBe(name);
      continue;
    }
    names.push(name);
    if (!VOID.has(name) && !attributes.endsWith('/')) open.push(name);
  }
  expect(open).toEqual([]);
  // What the scanner did not take for a tag holds no bracket that a browser could.
  expect(content.replaceAll(/<\/?[a-z]+[0-9]?(?:\s+[a-zA-Z0-9:-]+="[^"<]*")*\s*\/?>/g, '')).not.toMatch(/[<]/);
  return names;
}

const pages: Record<string, Summary> = {
  usual: sampleSummary(),
  pooled: sampleSummary({ pooled: sampleAssessment(60, 3, 1) }),
  'no test images': sampleSummary({ localOnly: sampleAssessment(0, 3, 1), federated: sampleAssessment(0, 3, 1) }),
  'a thousand classes': sampleSummary({
    labels: Array.from({ length: 1_000 }, (_, c) => `class ${c}`),
    ...{ localOnly: sampleAssessment(40, 1_000, 1), federated: sampleAssessment(40, 1_000, 1) },
  }),
};

describe('the page', () => {
  it.each(Object.keys(pages))('is well-formed, runs nothing and asks nobody: %s', (name) => {
    const page = reportPage(pages[name] as Summary);
    const names = elements(page);
    for (const forbidden of ['script', 'img', 'link', 'iframe', 'object', 'form', 'a', 'base', 'image', 'use']) {
      expect(names).not.toContain(forbidden);
    }
    expect(page).toContain('content="default-src &#39;none&#39;; style-src &#39;unsafe-inline&#39;');
    expect(page.replaceAll('http://www.w3.org/2000/svg', '')).not.toMatch(
      /https?:|url\(|@import|\son[a-z]+=|javascript:/,
    );
    expect(page.length).toBeLessThan(300_000);
  });

  it('escapes whatever comes from outside', () => {
    const hostile = '<script>alert("1")</script>\'&';
    const summary = sampleSummary(
      { study: hostile, labels: [hostile, `${hostile}2`, '"><svg onload=x>'], pooled: sampleAssessment(60, 3, 1) },
      {
        ...{ hospital: hostile, warnings: [hostile], quarantined: { [hostile]: 1 }, engine: hostile },
        backbone: { name: hostile, hash: hostile, trained: false },
      },
    );
    const plots = [rocChart(summary.details.labels, columnsOf(summary)), reliabilityChart(columnsOf(summary))];
    for (const text of [reportPage(summary), ...plots.map(({ html }) => html)]) {
      elements(text);
      expect(text).not.toContain('<script');
      expect(text).not.toContain('onload=x>');
    }
    expect(reportPage(summary)).toContain('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&#39;&amp;');
  });

  it('has each figure beside its interval, for each head', () => {
    const summary = pages['pooled'] as Summary;
    const page = reportPage(summary);
    expect(page.match(/<th scope="col">pooled<\/th>/g)).toHaveLength(2);
    for (const { assessment } of columnsOf(summary)) {
      const { balancedAccuracy, auc, intervals } = assessment;
      const { lower, upper } = intervals.balancedAccuracy ?? { lower: NaN, upper: NaN };
      expect(page).toContain(
        `<td>${(balancedAccuracy ?? NaN).toFixed(2)}<small>${lower.toFixed(2)} to ${upper.toFixed(2)}</small></td>`,
      );
      expect(page).toContain(`<td>${(auc ?? NaN).toFixed(2)}<small>`);
    }
    expect(reportPage(pages['usual'] as Summary)).not.toContain('pooled');
  });

  it('says who could see what, and how far sums were checked here', () => {
    expect(reportPage(sampleSummary())).toContain('EACH UPDATE OF THIS HOSPITAL');
    expect(reportPage(sampleSummary())).not.toContain('sums recomputed');
    const whoSees = ['the coordinator: sums alone', 'c = 1 of 4 hospitals'];
    const page = reportPage(sampleSummary({}, { mode: 'secagg', whoSees, sums: { whole: 3, sampled: 2, no: 1 } }));
    expect(page).toContain('the coordinator: sums alone; c = 1 of 4 hospitals');
    expect(page).toContain('3 whole, 2 in random parts, 1 not');
  });

  it('says what the figures are worth', () => {
    const untrained = { name: 'resnet50', hash: '00', trained: false };
    const page = reportPage(sampleSummary({}, { backbone: untrained }));
    expect(page).toContain('The backbone is untrained.');
    expect(page).toContain('Research use only');
    expect(page).toContain('TRUNCATED</th><td>2</td>');
    expect(page).toContain('Differences between columns that are smaller than that say little.');
    expect(reportPage(sampleSummary())).not.toContain('untrained');
    const none = reportPage(pages['no test images'] as Summary);
    expect(none).toContain('No image is held out here');
    expect(none).not.toContain('<svg');
  });
});

describe('small numbers', () => {
  const interval = (lower: number, upper: number) => ({ lower, upper });

  it.each([
    [[0, 0, null, null], 'No image is held out here'],
    [[1, 1, 1, null], '1 test image of 1 patient: too few for an interval'],
    [[5, 5, 1, interval(1, 1)], 'up to 60 in 100 may be otherwise'],
    [[5, 2, 1, interval(1, 1)], 'up to 100 in 100 may be otherwise'],
    [[5, 5, 0.4, interval(0, 0.8)], '0.00 to 0.80. Differences between columns'],
  ] as const)('%j', ([images, patients, accuracy, bounds], words) => {
    expect(howSure(images, patients, accuracy, bounds)).toContain(words);
  });

  it('are not hedged where there are many', () => {
    expect(howSure(900, 400, 0.8, interval(0.76, 0.84))).not.toContain('say little');
  });

  it('never look like certainty in a table', () => {
    const allRight = sampleAssessment(6, 3, 9);
    expect(allRight.accuracy).toBe(1);
    const page = reportPage(sampleSummary({ localOnly: allRight, federated: allRight }));
    expect(page).toContain('<td>1.00<small>no spread</small></td>');
    expect(page).not.toContain('1.00 to 1.00');
  });
});

it('markup() escapes values and keeps markup', () => {
  const inner = markup`<b>${'<&'}</b>`;
  expect(markup`<p title="${'"'}">${inner}${3}${[inner, inner]}</p>`.html).toBe(
    '<p title="&quot;"><b>&lt;&amp;</b>3<b>&lt;&amp;</b><b>&lt;&amp;</b></p>',
  );
});

describe('the files', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'consilium-report-'));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
  });

  it('are the hospital’s own, and take in a pooled head later', async () => {
    const before = sampleSummary();
    const { file, report } = await writeResults(folder, before);
    const names = ['example-1.json', 'example-1.reliability.svg', 'example-1.report.html', 'example-1.roc.svg'];
    expect((await readdir(folder)).sort()).toEqual(names);
    for (const name of names) expect((await stat(join(folder, name))).mode & 0o077).toBe(0);
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(before);
    for (const name of names.filter((one) => one.endsWith('.svg'))) {
      elements((await readFile(join(folder, name), 'utf8')).trim());
    }
    expect(await readFile(report, 'utf8')).not.toContain('pooled');

    const pooled = sampleAssessment(60, 3, 2);
    await addPooled(folder, 'example-1', pooled);
    const after = JSON.parse(await readFile(file, 'utf8')) as Summary;
    expect(after).toEqual({ ...before, details: { ...before.details, pooled } });
    expect(await readFile(report, 'utf8')).toContain('>pooled<');
    expect((await readdir(folder)).sort()).toEqual(names);
  });
});
