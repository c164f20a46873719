/**
 * Claims: whatever files, labels and studies are named, the page runs and loads nothing and shows them as text, the table
 * is one that no spreadsheet runs, and the card is Markdown without tags; each says that it is for research. The page
 * holds a bounded number of pictures. Oracle: names made to break out, and a CSV reader written here.
 */
import { describe, expect, it } from 'vitest';
import { noteOf, type Figures, type ModelCard } from './card.js';
import { cardText } from './card-text.js';
import { predictionsPage, type PageEntry } from './page.js';
import type { Prediction } from './prediction.js';
import { stampPixels } from './stamp.js';
import { predictionsCsv } from './table.js';

const HOSTILE = `"><script>alert(1)</script>'\n| a |\t\`x\``;
const figures: Figures = { accuracy: 0.5, balancedAccuracy: null, auc: 0.25, calibrationError: 0.125, intervals: null };
const card: ModelCard = {
  format: 'consilium/release/1',
  use: 'Research use only. Not for diagnosis.',
  exportedAt: '2026-01-01T00:00:00.000Z',
  run: 'r',
  study: { name: HOSTILE, labels: ['normal', HOSTILE] },
  mode: 'sealed',
  rounds: 1,
  hospitals: ['h', 'i'],
  training: { note: HOSTILE },
  backbone: { name: HOSTILE, hash: '0'.repeat(64), trained: false, variant: 'v1.5', side: 224, featureLength: 4 },
  preprocessing: 'p/1',
  head: { kind: 'linear', inputs: 4, classes: 2 },
  results: [
    {
      hospital: 'h',
      images: { train: 5, validation: 1, test: 2 },
      quarantined: { TRUNCATED: 3 },
      localOnly: figures,
      federated: { ...figures, intervals: { accuracy: { lower: 0.4, upper: 0.6 }, balancedAccuracy: null, auc: null } },
    },
  ],
  calibration: { error: 0.125, images: 2, hospitals: 1 },
  selfCheck: { images: 3, largestDifference: 1e-7 },
};
const predicted = (file: string): Prediction => ({
  file,
  status: 'predicted',
  probabilities: { normal: 0.25, [HOSTILE]: 0.75 },
  label: HOSTILE,
  note: noteOf(card),
});
const quarantined = (file: string): Prediction => ({ file, status: 'quarantined', reason: 'TRUNCATED', note: 'n' });

describe('the page', () => {
  const entries: PageEntry[] = [
    { prediction: predicted(HOSTILE), picture: 'heatmaps/a.png', jpeg: Buffer.from('x') },
    { prediction: predicted('linked.png'), picture: 'heatmaps/linked.png' },
    { prediction: quarantined(HOSTILE) },
  ];
  const page = predictionsPage(card, entries);

  it('has no tag, attribute or address of a file', () => {
    const tags = new Set([...page.matchAll(/<([a-z][a-z0-9]*)/gi)].map(([, tag]) => tag));
    expect([...tags].filter((tag) => ['script', 'iframe', 'link', 'object', 'form'].includes(tag ?? ''))).toEqual([]);
    expect(page).not.toContain(HOSTILE);
    expect(page).toContain('&lt;script&gt;');
    expect(page).not.toMatch(/https?:|\son[a-z]+=|style="/);
    const sources = [...page.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, address]) => address);
    expect(sources).toEqual(['data:image/jpeg;base64,eA==', 'heatmaps/linked.png']);
  });

  it('forbids by its policy what it does not use, and says what it is', () => {
    expect(page).toMatch(
      /Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'sha256-[^']+'/,
    );
    expect(page).toContain('Research use only. Not for diagnosis.');
    expect(page).toContain('Untrained backbone');
    expect(page).toContain('TRUNCATED');
    expect(page).toContain('75.0 %');
  });
});

/** RFC 4180. */
function readCsv(text: string): string[][] {
  const rows = text.match(/(?:"(?:[^"]|"")*"|[^"\r\n])*\r\n/g) ?? [];
  return rows.map((row) =>
    [...`,${row.slice(0, -2)}`.matchAll(/,("(?:[^"]|"")*"|[^,"]*)/g)].map(([, cell = '']) =>
      cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell,
    ),
  );
}

describe('the table', () => {
  it('has a cell for each probability, and none that a spreadsheet would run', () => {
    const names = ['=cmd|x!A1', '+1', '-1', '@SUM(1)', 'a "quoted", name\r\nof two lines.png'];
    const entries = [
      ...names.map((file) => ({ prediction: predicted(file), picture: 'heatmaps/x.png' })),
      { prediction: quarantined('q.png') },
    ];
    const rows = readCsv(predictionsCsv(card.study.labels, entries));
    expect(rows).toHaveLength(7);
    expect(rows[0]?.slice(0, 5)).toEqual(['file', 'status', 'reason', 'label', 'p(normal)']);
    for (const row of rows) {
      expect(row).toHaveLength(8);
      for (const cell of row) expect(cell).not.toMatch(/^[=+\-@\t\r]/);
    }
    expect(rows[5]?.[0]).toBe(names[4]);
    expect(rows[5]?.slice(4, 7)).toEqual(['0.250000', '0.750000', 'heatmaps/x.png']);
    expect(rows[6]?.slice(1, 6)).toEqual(['quarantined', 'TRUNCATED', '', '', '']);
  });
});

describe('the model card', () => {
  const text = cardText(card);

  it('shows names as text and figures as they are', () => {
    expect(text).not.toMatch(/<[a-z/]/i);
    expect(text.split('\n')[0]).toMatch(/^# Model card: .*script/);
    expect(text).toContain('| h | **this model** | 2 | 50.0 % (40.0 to 60.0) | - | 0.250 | 0.125 |');
    expect(text).toContain('| h | 5 | 1 | 2 | TRUNCATED 3 |');
    expect(text).toContain('No results were given for: i.');
    expect(text).toContain('Research use only. Not for diagnosis.');
    expect(text).toContain('The backbone is untrained');
  });

  it('says that nobody measured the calibration when nobody did', () => {
    expect(cardText({ ...card, calibration: null })).toContain('Not calibrated');
    expect(noteOf({ ...card, calibration: null })).toContain('Not calibrated');
    expect(noteOf({ ...card, backbone: { ...card.backbone, trained: true } })).not.toContain('ntrained');
  });
});

describe('the stamp', () => {
  it('has a glyph for each letter of what it must say, and refuses others', () => {
    expect([...stampPixels('I')].sort()).toEqual(
      [
        [1, 0],
        [2, 0],
        [3, 0],
        [2, 1],
        [2, 2],
        [2, 3],
        [2, 4],
        [2, 5],
        [1, 6],
        [2, 6],
        [3, 6],
      ].sort(),
    );
    expect([...stampPixels(card.use)].length).toBeGreaterThan(300);
    expect(() => [...stampPixels('Q')]).toThrow(RangeError);
  });
});
