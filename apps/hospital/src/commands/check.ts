/** `data check`: what this hospital's folder is worth, before any round. Nothing is changed in it. */
import { availableParallelism } from 'node:os';
import { judge } from '@consilium/imaging';
import { examineFolder, readFolder } from '../preflight/examine-folder.js';
import { findingsOf, resultOf, type CheckResult } from '../preflight/findings.js';
import { writeReport } from '../preflight/report.js';
import { findingsText } from '../preflight/text.js';

export interface CheckRequest {
  readonly folder: string;
  readonly labels?: string;
  readonly studyLabels?: readonly string[];
  readonly site?: string;
  readonly report?: string;
  readonly splitSeed: string;
  readonly testShare: number;
}

/** More decoder threads than this wait for the disk. */
const THREADS_MAX = 4;

/**
 * @throws ImagingError for a folder or a table that cannot be used; what is wrong with an image is part of the result.
 */
export async function check(
  request: CheckRequest,
  onProgress: (done: number, total: number) => void,
): Promise<{ readonly result: CheckResult; readonly text: string }> {
  const { folder, studyLabels, report, splitSeed, testShare } = request;
  const { rows, unmatchedLines, hasLabels } = await readFolder(folder, request.labels, request.site);
  const threads = Math.min(THREADS_MAX, availableParallelism());
  const files = await examineFolder(folder, rows, threads, onProgress);
  const verdicts = judge(files, studyLabels === undefined ? {} : { labels: studyLabels });
  const findings = findingsOf(verdicts, { seed: splitSeed, testShare });
  const notes = [
    ...(hasLabels ? [] : ['The folder has no manifest.csv, no labels.csv and no folder for each class.']),
    ...(unmatchedLines.length === 0 ? [] : [`${unmatchedLines.length} lines of the label table belong to no file.`]),
    ...(report === undefined ? [] : [`report ${report}  (shows patients: it stays in this hospital)`]),
  ];
  if (report !== undefined) await writeReport(report, folder, findings, threads);
  return { result: resultOf(verdicts), text: [findingsText(findings), ...notes].join('\n') };
}
