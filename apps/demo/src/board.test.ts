/**
 * Claims: in a pipe the board is plain lines without a control character; on a terminal notes stay above the block, which
 * is drawn anew in place and taken away at the end, and lines fit 80 columns. Oracle: a terminal of a few lines of code.
 */
import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { Board } from './board.js';

function sink(isTTY: boolean): { stream: NodeJS.WriteStream; text: () => string } {
  const stream = Object.assign(new PassThrough({ encoding: 'utf8' }), { isTTY, columns: 80, rows: 24 });
  let text = '';
  stream.on('data', (chunk: string) => (text += chunk));
  return { stream: stream as unknown as NodeJS.WriteStream, text: () => text };
}

/** What a terminal shows: erasing a line, going up and going to the first column are all that is used. */
function screen(text: string): string[] {
  const lines = [''];
  let row = 0;
  for (const [token] of text.replaceAll('\u001B', '␛').matchAll(/␛\[\d*[A-Z]|␛\[\?25[lh]|\n|[^\n␛]+/g)) {
    if (token === '\n') lines[++row] ??= '';
    else if (token.endsWith('A')) row -= Number(/\d+/.exec(token)?.[0] ?? 1);
    else if (token.endsWith('K')) lines[row] = '';
    else if (!token.startsWith('␛')) lines[row] = `${lines[row] ?? ''}${token}`;
    else if (!/[Glh]$/.test(token)) throw new Error(`an unknown control sequence ${JSON.stringify(token)}`);
  }
  return lines.filter((line) => line !== '').map((line) => line.replace(/^ *[\d.]+ s {2}/, ''));
}

function play(board: Board): void {
  board.hospitals(['hospital-a', 'hospital-b'], 'drawing X-rays');
  board.note('drawing');
  board.coordinator({ event: 'listening', url: 'http://127.0.0.1:1' });
  for (const id of ['hospital-a', 'hospital-b']) {
    for (let done = 1; done <= 250; done++) board.hospital(id, { event: 'embedding', done, total: 250 });
  }
  board.coordinator({ event: 'round-started', round: 1, hospitals: ['hospital-a', 'hospital-b'], purpose: 'train' });
  board.hospital('hospital-a', { event: 'stage', stage: 'sending', round: 1 });
  board.coordinator({
    event: 'round-done',
    round: 1,
    seconds: 0.5,
    hospitals: [{ id: 'hospital-a', trainExamples: 5, loss: 0.25 }],
    missing: ['hospital-b'],
    totals: { weight: 5, loss: 0.25 },
  });
  board.coordinator({ event: 'evaluation', round: 1, hospital: 'hospital-a', loss: 0.2, balancedAccuracy: 0.75 });
}

const NOTES = [
  'drawing',
  'coordinator listens on http://127.0.0.1:1',
  'round 1 started with hospital-a, hospital-b',
  'round 1 averaged in 0.50 s; loss hospital-a 0.250; MISSING: hospital-b',
];

describe('a board in a pipe', () => {
  it('is one plain line for each thing that a reader of a log wants', () => {
    const { stream, text } = sink(false);
    const board = new Board(stream);
    play(board);
    board.close();
    expect(Array.from(text()).filter((character) => character < ' ' && character !== '\n')).toEqual([]);
    const lines = screen(text());
    for (const note of NOTES) expect(lines).toContain(note);
    expect(lines.filter((line) => line.startsWith('hospital-a: '))).toEqual([
      'hospital-a: 100 of 250 images read',
      'hospital-a: 200 of 250 images read',
      'hospital-a: 250 of 250 images read',
    ]);
    expect(lines).toContain('round 1: hospital-a balanced accuracy 0.750');
  });
});

describe('a board on a terminal', () => {
  it('keeps its notes above one block that shows what each hospital does now', () => {
    const { stream, text } = sink(true);
    const board = new Board(stream);
    play(board);
    expect(screen(text())).toEqual([
      ...NOTES,
      'round 1',
      '  hospital-a  sending the sealed update  loss 0.250  balanced accuracy 0.750',
      '  hospital-b  embedding images 250/250',
    ]);
    for (const line of stripVTControlCharacters(text()).split('\n')) expect(line.length).toBeLessThan(81);
    board.close();
    expect(screen(text())).toEqual(NOTES);
  });

  it('does not call a hospital lost that has finished', () => {
    const { stream, text } = sink(true);
    const board = new Board(stream);
    board.hospitals(['a', 'b'], 'starting');
    board.hospital('a', { event: 'stage', stage: 'ended', round: 1 });
    board.coordinator({ event: 'disconnected', hospital: 'a' });
    board.coordinator({ event: 'disconnected', hospital: 'b' });
    expect(screen(text()).slice(-2)).toEqual(['  a  finished', '  b  not connected']);
    board.close();
  });
});
