/** `model-card.md`: the model card for people. */
import type { Figures, HospitalResult, ModelCard } from './card.js';

/** Names come from configurations: none of them may end a table cell or start a tag. */
const plain = (text: string): string =>
  text
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ' ')
    .replace(/[\\`*_[\]<>|#&]/g, (character) => `&#${character.codePointAt(0) ?? 32};`);

const percent = (value: number | null): string => (value === null ? '-' : `${(100 * value).toFixed(1)} %`);

function figure(figures: Figures, key: 'accuracy' | 'balancedAccuracy' | 'auc'): string {
  const value = figures[key];
  const text = key === 'auc' ? (value?.toFixed(3) ?? '-') : percent(value);
  const interval = figures.intervals?.[key];
  if (interval == null) return text;
  const bound = (end: number): string => (key === 'auc' ? end.toFixed(3) : (100 * end).toFixed(1));
  return `${text} (${bound(interval.lower)} to ${bound(interval.upper)})`;
}

function resultRows({ hospital, images, localOnly, federated }: HospitalResult): string[] {
  const row = (head: string, figures: Figures): string =>
    `| ${plain(hospital)} | ${head} | ${images.test} | ${figure(figures, 'accuracy')} | ${figure(figures, 'balancedAccuracy')} | ${figure(figures, 'auc')} | ${figures.calibrationError?.toFixed(3) ?? '-'} |`;
  return [row('trained there alone', localOnly), row('**this model**', federated)];
}

function results(card: ModelCard): string[] {
  if (card.results.length === 0) return ['No hospital gave its results for this card.'];
  const silent = card.hospitals.filter((id) => !card.results.some(({ hospital }) => hospital === id));
  return [
    '| hospital | head | test images | accuracy | balanced accuracy | AUC, one against the rest | calibration error |',
    '|---|---|---:|---:|---:|---:|---:|',
    ...card.results.flatMap(resultRows),
    '',
    'Each hospital measured on its own held-out patients; in brackets 95 % intervals, where there are any. Figures of',
    'some tens of images vary by chance more than the methods differ. Figures of different hospitals are of different',
    'patients and scanners, and are not to be averaged into one.',
    ...(silent.length === 0 ? [] : ['', `No results were given for: ${silent.map(plain).join(', ')}.`]),
  ];
}

function images({ results: given }: ModelCard): string[] {
  if (given.length === 0) return ['Not known here: no hospital gave its counts.'];
  return [
    '| hospital | training | validation | test | left out, by reason |',
    '|---|---:|---:|---:|---|',
    ...given.map(({ hospital, images: { train, validation, test }, quarantined }) => {
      const reasons = Object.entries(quarantined).map(([code, n]) => `${plain(code)} ${n}`);
      return `| ${plain(hospital)} | ${train} | ${validation} | ${test} | ${reasons.join(', ') || 'none'} |`;
    }),
  ];
}

const headText = ({ head }: ModelCard): string =>
  head.kind === 'linear'
    ? `linear, ${head.inputs} features to ${head.classes} classes`
    : `MLP, ${head.inputs} features to ${head.hidden} hidden units to ${head.classes} classes`;

export function cardText(card: ModelCard): string {
  const { study, backbone, calibration, selfCheck } = card;
  const lines = [
    `# Model card: ${plain(study.name)}`,
    '',
    `**${card.use}** This model is no medical device and was not approved by anybody.`,
    ...(backbone.trained
      ? []
      : [
          '',
          '**The backbone is untrained** (seeded random weights): this is a demonstration, not a model of anything.',
        ]),
    '',
    '## What it is',
    `- Classes, in the order of the probabilities: ${study.labels.map(plain).join(', ')}`,
    `- Input: one frontal chest radiograph, prepared as \`preprocessing.json\` says (\`${plain(card.preprocessing)}\`)`,
    `- Backbone, frozen: ${plain(backbone.name)}, ${backbone.variant}, hash \`${backbone.hash}\``,
    `- Head, trained together: ${headText(card)}`,
    `- Run \`${plain(card.run)}\`, trust mode ${plain(card.mode)}, ${card.rounds} rounds; invited: ${card.hospitals.map(plain).join(', ')}`,
    `- Training: ${plain(JSON.stringify(card.training))}`,
    `- Exported ${plain(card.exportedAt)}`,
    '',
    '## Images that it was trained and tested on',
    'They stayed where they were taken. Nothing here or in the files beside it describes a patient.',
    '',
    ...images(card),
    '',
    '## Results',
    ...results(card),
    '',
    '## Probabilities',
    calibration === null
      ? 'Not calibrated: nobody measured how often these probabilities are right.'
      : `The expected calibration error is ${calibration.error.toFixed(3)}: the mean over ${calibration.hospitals} hospital(s), weighted by their ${calibration.images} test images. No probability was adjusted.`,
    'A picture that is no frontal chest radiograph gets a probability all the same, unless the quality gate sees it.',
    '',
    '## Files',
    '- `model.onnx`: the whole model. Input `xray`, float32 (n, 1, side, side), grey in [0, 1]; outputs `probabilities`, `features` (not standardised) and `maps`, whose means are the features',
    '- `tfjs/model.json` with its shards: the same for TensorFlow.js, `tf.loadLayersModel`; input (n, side, side, 1)',
    '- `head.safetensors`: the head alone, with the constants of the z-scores: (feature - feature.mean) * feature.factor',
    '- `preprocessing.json`, `model-card.json`, `SHA256SUMS` (`sha256sum --check SHA256SUMS`)',
    '',
    `When this was exported, \`model.onnx\` differed from the product's own probabilities by at most ${selfCheck.largestDifference.toExponential(1)} on ${selfCheck.images} synthetic images.`,
  ];
  return `${lines.join('\n')}\n`;
}
