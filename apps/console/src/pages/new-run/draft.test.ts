/**
 * Claims: the form has a field for everything that a run file may say; a draft is never changed in place, and a group without
 * values leaves no trace; half-typed numbers survive; of an earlier run the study and model are taken over and nothing else.
 * Oracle: the schema's own acceptance of what the form makes, and drafts written by hand.
 */
import { runFileSchema } from '@consilium/operator-api';
import { describe, expect, it } from 'vitest';
import { asList, asNumber, takenOver, valueAt, withValue, type Draft } from './draft.js';
import { runFileFields, type Field } from './fields.js';
import { sectionsOf } from './sections.js';

const allPaths = (fields: readonly Field[]): string[] =>
  fields.flatMap((field) => [
    field.path,
    ...(field.kind === 'group' ? allPaths(field.fields) : []),
    ...(field.kind === 'variant' ? field.shapes.flatMap((shape) => allPaths(shape.fields)) : []),
  ]);

describe('the fields', () => {
  const fields = runFileFields();

  it('are all that a file may say', () => {
    expect(fields.map(({ path }) => path).sort()).toEqual(Object.keys(runFileSchema.shape).sort());
    expect(allPaths(fields)).toEqual(expect.arrayContaining(['study.labels', 'training.l2', 'stragglers.quorum']));
  });

  it('are all in a section of the form, once', () => {
    const placed = sectionsOf(fields).flatMap((section) => section.fields.map(({ path }) => path));
    expect(placed.sort()).toEqual(fields.map(({ path }) => path).sort());
  });

  it('make a file that the schema takes', () => {
    const typed: readonly (readonly [string, unknown])[] = [
      ['run', 'winter-1'],
      ['study.name', 'x'],
      ['study.labels', ['a', 'b']],
      ['mode', 'sealed'],
      ['head.kind', 'linear'],
      ['backbone', 'a'.repeat(64)],
      ['preprocessing', 'v1'],
      ['training.epochs', 3],
    ];
    const draft = typed.reduce<Draft>((next, [path, value]) => withValue(next, path, value), {});
    expect(runFileSchema.safeParse(draft)).toMatchObject({ success: true, data: { training: { epochs: 3 } } });
  });
});

describe('a draft', () => {
  it('is not changed in place', () => {
    const before: Draft = { training: { epochs: 2 } };
    const after = withValue(before, 'training.epochs', 4);
    expect(valueAt(before, 'training.epochs')).toBe(2);
    expect(valueAt(after, 'training.epochs')).toBe(4);
  });

  it('forgets a group with its last value', () => {
    expect(withValue({ training: { epochs: 2 } }, 'training.epochs', undefined)).toEqual({});
    expect(withValue({ stragglers: {} }, 'stragglers', undefined)).toEqual({});
  });

  it.each([
    ['', undefined],
    [' 12 ', 12],
    ['0.', 0],
    ['1e-3', 0.001],
    ['abc', 'abc'],
  ])('reads the number %j', (text, value) => {
    expect(asNumber(text)).toBe(value);
  });

  it.each([
    ['a, b\nc', ['a', 'b', 'c']],
    [' , ', undefined],
  ])('reads the list %j', (text, value) => {
    expect(asList(text)).toEqual(value);
  });

  it('takes over the study and the model of an earlier run, and keeps what was typed', () => {
    const earlier = {
      ...{ runId: 'old', roster: [], study: { name: 's', labels: ['a', 'b'] }, backbone: 'f', preprocessing: 'v1' },
      ...{ mode: 'sealed', rounds: 50, head: { kind: 'mlp', hidden: 64, inputs: 512, classes: 2 } },
    };
    expect(takenOver(earlier, { run: 'new' })).toEqual({
      ...{ run: 'new', study: earlier.study, backbone: 'f', preprocessing: 'v1', mode: 'sealed' },
      ...{ head: { kind: 'mlp', hidden: 64 }, embeddingLength: 512 },
    });
  });
});
