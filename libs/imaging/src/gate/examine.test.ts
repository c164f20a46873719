/**
 * Claims: a frontal chest passes, whatever its contrast; it is refused when it is turned, inverted or lateral, a slice, a
 * label on nothing, or noise; a header is believed over the pixels and never quoted where it may name a person; what is
 * kept is JSON and adds up. Oracle: pictures drawn here, and DICOM PS3.3 for orientations. Real films: bench `gate`.
 */
import { describe, expect, it } from 'vitest';
import type { XrayImage } from '../xray.js';
import { examine } from './examine.js';
import { asImage, drawn, frontal, lateral, slice, turned } from './pictures.js';

const codeOf = (image: XrayImage): string | undefined => examine(image).refusal?.code;
const seeds = ['a', 'b', 'c', 'd'];

const header = (facts: Partial<NonNullable<XrayImage['dicom']>>): NonNullable<XrayImage['dicom']> => ({
  transferSyntax: '1.2.840.10008.1.2.1',
  transferSyntaxName: 'Explicit VR Little Endian',
  frames: 1,
  rows: 224,
  columns: 224,
  samples: 1,
  bitsAllocated: 16,
  bitsStored: 12,
  signed: false,
  photometric: 'MONOCHROME2',
  ...facts,
});

describe('a picture without header', () => {
  it.each(seeds)('a frontal chest passes: %s', (seed) => {
    const pixels = frontal(seed);
    expect(examine(asImage(pixels)).refusal).toBeUndefined();
    expect(codeOf(asImage(pixels.map((grey) => 0.3 + 0.5 * grey)))).toBeUndefined();
    expect(codeOf(asImage(pixels.map((grey) => grey ** 1.5)))).toBeUndefined();
  });

  it.each(seeds)('the same chest, shown wrongly, is refused: %s', (seed) => {
    const upright = frontal(seed);
    const quarter = turned(upright);
    const half = turned(quarter);
    expect(examine(asImage(quarter)).refusal).toEqual({ code: 'ROTATED', detail: 'by 90 degrees clockwise' });
    expect(examine(asImage(half)).refusal).toEqual({ code: 'ROTATED', detail: 'by 180 degrees' });
    expect(examine(asImage(turned(half))).refusal).toEqual({ code: 'ROTATED', detail: 'by 90 degrees anticlockwise' });
    expect(codeOf(asImage(upright.map((grey) => 1 - grey)))).toBe('INVERTED');
  });

  it.each(seeds)('what is no frontal chest is refused: %s', (seed) => {
    expect(codeOf(asImage(lateral(seed)))).toBe('NOT_FRONTAL');
    expect(codeOf(asImage(slice(seed)))).toBe('CT_SLICE');
    expect(codeOf(asImage(drawn(() => 0.5, seed, 0.3)))).toBe('NOT_A_RADIOGRAPH');
    expect(codeOf(asImage(drawn((x, y) => (x < 0.2 && y < 0.2 ? 1 : 0), seed, 0)))).toBe('NEARLY_BLANK');
  });
});

describe('a header', () => {
  it.each([
    [{ modality: 'CT' }, 'WRONG_MODALITY'],
    [{ modality: 'MR' }, 'WRONG_MODALITY'],
    [{ modality: 'DX', bodyPart: 'HAND' }, 'WRONG_BODY_PART'],
    [{ modality: 'DX', bodyPart: 'THORACIC SPINE' }, 'WRONG_BODY_PART'],
    [{ modality: 'CR', bodyPart: 'CHEST', viewPosition: 'LL' }, 'NOT_FRONTAL'],
    [{ modality: 'CR', viewPosition: 'lateral' }, 'NOT_FRONTAL'],
    [{ modality: 'DX', patientOrientation: ['P', 'F'] }, 'NOT_FRONTAL'],
    [{ modality: 'DX', patientOrientation: ['R', 'F'] }, 'MIRRORED'],
    [{ modality: 'DX', patientOrientation: ['L', 'H'] }, 'MIRRORED'],
    [{ modality: 'DX', patientOrientation: ['R', 'H'] }, 'ROTATED'],
    [{ modality: 'DX', patientOrientation: ['F', 'R'] }, 'ROTATED'],
    [{ modality: 'DX', bodyPart: 'CHEST', viewPosition: 'PA', patientOrientation: ['L', 'F'] }, undefined],
    [{ modality: 'CR', bodyPart: ' thorax ', viewPosition: 'ap' }, undefined],
    [{ modality: 'RF' }, undefined],
    [{}, undefined],
  ])('%j: %s', (facts, code) => {
    expect(codeOf(asImage(frontal('header'), header(facts)))).toBe(code);
  });

  it('is believed: a film whose header says PA is not refused for its looks', () => {
    const facts = header({ modality: 'DX', bodyPart: 'CHEST', viewPosition: 'PA' });
    expect(codeOf(asImage(lateral('a'), facts))).toBeUndefined();
    expect(codeOf(asImage(lateral('a'), header({ modality: 'DX' })))).toBe('NOT_FRONTAL');
    const inverted = frontal('a').map((grey) => 1 - grey);
    expect(examine(asImage(inverted, facts))).toMatchObject({
      flags: expect.arrayContaining(['MAYBE_INVERTED']) as unknown,
    });
  });

  it('is never quoted where it may name a person', () => {
    const facts = header({ modality: 'Doe^Jane', bodyPart: 'Doe^Jane', patientId: 'canary-4711' });
    expect(JSON.stringify(examine(asImage(frontal('a'), facts)))).not.toMatch(/Doe|canary/);
  });
});

it('an examination is JSON, small, and its histogram adds up to 1', () => {
  const examination = examine(asImage(frontal('json')));
  const text = JSON.stringify(examination);
  expect(JSON.parse(text)).toEqual(examination);
  expect(text.length).toBeLessThan(4_000);
  expect(examination.histogram).toHaveLength(32);
  expect(examination.histogram.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 9);
  expect(examine(asImage(frontal('json')))).toEqual(examination);
});
