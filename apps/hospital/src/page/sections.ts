/** The facts as sections of the page. Each is drawn by itself, so that only what changed is replaced. */
import { FAULTS } from '../network/fault.js';
import { sentenceOf } from '../preflight/reasons.js';
import { figure } from '../report/figure-text.js';
import { markup, NOTHING, type Markup } from '../report/markup.js';
import { bytes, command, count, empty, list, table, time } from './elements.js';
import type { Facts } from './facts.js';
import { policySection } from './policy-section.js';
import { roundsSection } from './rounds-section.js';
import { WORDS } from './words.js';

export type SectionName = keyof typeof SECTIONS;

const SECTIONS = {
  now: nowSection,
  approvals: approvalsSection,
  rounds: roundsSection,
  left: leftSection,
  images: imagesSection,
  machine: machineSection,
  policy: policySection,
} satisfies Readonly<Record<string, (facts: Facts) => Markup>>;

export const sectionNames = Object.keys(SECTIONS) as readonly SectionName[];

export const drawSections = (facts: Facts): Readonly<Record<SectionName, string>> =>
  Object.fromEntries(sectionNames.map((name) => [name, SECTIONS[name](facts).html])) as Record<SectionName, string>;

const STEPS = Object.keys(WORDS.steps) as readonly (keyof typeof WORDS.steps)[];

function runCard({ run, stage, round }: Facts['node']['runs'][number]): Markup {
  // Mode secagg masks and sends in one stage; mode sealed only sends.
  const at = STEPS.indexOf((stage === 'masking' ? 'sending' : stage) as (typeof STEPS)[number]);
  const steps = STEPS.map(
    (step, k) =>
      markup`<li class="${k < at ? 'done' : ''}"${k === at ? markup` aria-current="step"` : NOTHING}>${WORDS.steps[step]}</li>`,
  );
  return markup`<div class="run"><h3>${WORDS.run(run)}${round > 0 ? `, ${WORDS.round(round).toLowerCase()}` : ''}</h3>
<p class="big">${WORDS.stages[stage] ?? stage}</p>${at < 0 ? NOTHING : markup`<ol class="steps">${steps}</ol>`}</div>`;
}

function nowSection({ node, stopped, paused, story, config }: Facts): Markup {
  const { line, embedded, runs, since } = node;
  const fault = story.why !== undefined && story.why in FAULTS ? FAULTS[story.why as keyof typeof FAULTS] : undefined;
  const isReading = embedded !== null && embedded.done < embedded.total;
  const declined = story.declined;
  return markup`<h2>${WORDS.now}</h2>
${stopped ? markup`<p class="note">${WORDS.stopping}</p>` : NOTHING}${paused ? markup`<p class="note">${WORDS.paused}</p>` : NOTHING}
${isReading ? markup`<p class="big">${WORDS.reading(embedded.done, embedded.total)}</p><progress max="${embedded.total}" value="${embedded.done}"></progress>` : NOTHING}
${runs.map(runCard)}
${runs.length === 0 && !isReading ? markup`<p class="big">${WORDS.nothingYet}</p>` : NOTHING}
${declined === undefined ? NOTHING : markup`<p>${WORDS.declined(declined.round, declined.reason)}</p>`}
${list([
  [
    WORDS.coordinator,
    markup`${config.coordinator}<br><span class="line ${line}">${WORDS.lines[line]}</span>${
      line === 'unreachable' && fault !== undefined ? markup`<br>${fault[0]}: ${fault[1]}` : NOTHING
    }`,
  ],
  [WORDS.since, time(since)],
])}`;
}

function approvalsSection({ waiting, home }: Facts): Markup {
  const one = ({
    run,
    study,
    mode,
    digest,
    whole,
  }: Facts['waiting'][number]): Markup => markup`<div class="run waiting">
<h3>${WORDS.run(run)}</h3>
${list([
  [WORDS.study, study],
  [WORDS.trustMode, mode],
  [WORDS.hash, markup`<code>${digest.slice(0, 16)}…</code>`],
])}
<p>${WORDS.approvalsHow}</p>${command(`consilium-hospital approve --home ${home} --run ${run}`)}
<details><summary>${WORDS.approvalsWhole}</summary><pre tabindex="0">${whole}</pre></details></div>`;
  return markup`<h2>${WORDS.approvals}</h2>${waiting.length === 0 ? empty(WORDS.approvalsNone) : waiting.map(one)}`;
}

function leftSection({ left, home }: Facts): Markup {
  const { since, messages, sizeBytes, entries } = left;
  if (since === undefined) return markup`<h2>${WORDS.left}</h2>${empty(WORDS.leftNone)}`;
  const { time: when, what, where, size } = WORDS.leftColumns;
  const rows = entries.map((entry) => [
    time(entry.time),
    entry.purpose,
    entry.runId === null
      ? ''
      : `${entry.runId}${entry.round === null ? '' : `, ${WORDS.round(entry.round).toLowerCase()}`}`,
    bytes(entry.sizeBytes),
  ]);
  return markup`<h2>${WORDS.left}</h2><p>${WORDS.leftSum(count(messages), bytes(sizeBytes))} ${time(since)}.</p>
<p class="dim">${WORDS.leftNote}</p>${command(`consilium-hospital egress verify --home ${home}`)}
${table(WORDS.leftLast(entries.length), [when, what, where, size], rows)}`;
}

function imagesSection({ story }: Facts): Markup {
  const { images } = story;
  if (images === undefined) return markup`<h2>${WORDS.images}</h2>${empty(WORDS.imagesNone)}`;
  const reasons = Object.entries(images.quarantined).sort(([, a], [, b]) => b - a);
  const aside = reasons.reduce((sum, [, n]) => sum + n, 0);
  const classes = Object.entries(images.classes)
    .slice(0, 20)
    .map(([label, n]) => `${label} ${count(n)}`);
  return markup`<h2>${WORDS.images}</h2>
${list([
  [WORDS.usable, count(images.usable)],
  [WORDS.classes, classes.join(', ')],
  [WORDS.quarantined, aside === 0 ? WORDS.quarantinedNone : count(aside)],
])}
${
  aside === 0
    ? NOTHING
    : table(
        WORDS.quarantined,
        [WORDS.reason, WORDS.count],
        reasons.map(([code, n]) => [
          markup`<code>${code}</code> <span class="dim">${sentenceOf(code)}</span>`,
          count(n),
        ]),
      )
}
<p class="dim">${WORDS.imagesWhich}</p>`;
}

function machineSection({ machine, story, config }: Facts): Markup {
  const { coresUsed, cores, memoryBytes, memoryTotalBytes, gpus } = machine;
  const { images } = story;
  const made: readonly (readonly [string, string])[] =
    images === undefined
      ? []
      : [
          [WORDS.engine, images.engine],
          [WORDS.trainer, images.trainer],
          [WORDS.backbone, images.backbone.trained ? images.backbone.name : WORDS.untrained(images.backbone.name)],
        ];
  return markup`<h2>${WORDS.machine}</h2>${list([
    ...made,
    [
      WORDS.gpu,
      gpus.length === 0
        ? WORDS.gpuNone
        : gpus.map((gpu) => WORDS.gpuUse(gpu.name, gpu.busyPercent, gpu.usedMiB, gpu.totalMiB)).join('; '),
    ],
    [WORDS.processor, WORDS.cores(figure(coresUsed, 1), config.threads, cores)],
    [WORDS.memory, `${bytes(memoryBytes)} / ${bytes(memoryTotalBytes)}`],
  ])}`;
}
