/** `consilium-hospital doctor`: everything that can be found wrong before a run, each with what to do. Nothing is changed. */
import { join } from 'node:path';
import type { EnginePreference } from '@consilium/backbone';
import { type HospitalConfig, readHospitalConfig } from '../config.js';
import { backbone, engines, trainer } from '../doctor/computing.js';
import { type Check, fail, type Finding, ok } from '../doctor/finding.js';
import { dataFolder, homeFolder } from '../doctor/folders.js';
import { diskFree, memory, nodeVersion } from '../doctor/machine.js';
import { network } from '../doctor/network.js';
import { journal, policy, standing } from '../doctor/say.js';
import { EXIT_STATUS, HospitalError, type HospitalErrorCode } from '../errors.js';

/** In the order of the report; a new check is a line here. */
const CHECKS: readonly Check[] = [
  ...[nodeVersion, homeFolder, policy, standing, journal, dataFolder, diskFree, memory, engines, trainer, backbone],
  network,
];

/** The exit status is that of the first of these that failed; everything else is about data and machine. */
const CODES: Readonly<Record<string, HospitalErrorCode>> = {
  config: 'CONFIG_INVALID',
  home: 'NOT_INITIALISED',
  card: 'CARD_MISSING',
  policy: 'POLICY_INVALID',
  proxy: 'BAD_OPTION',
  journal: 'EGRESS_JOURNAL_BROKEN',
  tls: 'COORDINATOR_UNREACHABLE',
  coordinator: 'COORDINATOR_UNREACHABLE',
};

export interface Diagnosis {
  /** The worst of the findings. */
  readonly status: Finding['status'];
  readonly findings: readonly Finding[];
  /** What the command ends with. */
  readonly exitStatus: number;
}

async function readConfig(file: string): Promise<{ config?: HospitalConfig; finding: Finding }> {
  try {
    return { config: await readHospitalConfig(file), finding: ok('config', 'readable') };
  } catch (error) {
    if (!(error instanceof HospitalError)) throw error;
    return { finding: fail('config', `${error.code}: ${error.message}`, 'write or correct hospital.yaml') };
  }
}

/** @param engine - what embeddings are to be computed with, as the configuration has it. */
export async function diagnose(
  home: string,
  configFile: string = join(home, 'hospital.yaml'),
  engine: EnginePreference = 'auto',
): Promise<Diagnosis> {
  const { config, finding } = await readConfig(configFile);
  const findings: Finding[] = [finding];
  for (const check of CHECKS) findings.push(...(await check({ home, engine, ...(config && { config }) })));
  const worst = (['fail', 'warn', 'ok'] as const).find((status) => findings.some((item) => item.status === status));
  const refusal = refusalOf(findings);
  return { status: worst ?? 'ok', findings, exitStatus: refusal === undefined ? 0 : EXIT_STATUS[refusal.code] };
}

export const diagnosisText = ({ findings }: Diagnosis): string =>
  findings
    .flatMap(({ check, status, detail, fix }) => [
      `${status.padEnd(4)} ${check}: ${detail}`,
      ...(fix === '' ? [] : [`     -> ${fix}`]),
    ])
    .join('\n');

function refusalOf(findings: readonly Finding[]): HospitalError | undefined {
  const failed = findings.filter(({ status }) => status === 'fail').map(({ check }) => check);
  if (failed.length === 0) return undefined;
  const known = Object.keys(CODES).find((check) => failed.includes(check));
  return new HospitalError(CODES[known ?? ''] ?? 'DATA_INVALID', `this node is not ready: ${failed.join(', ')}`);
}

/** @throws {@link HospitalError} if a check failed, with the code of the first in the order of what has to be mended first. */
export function refuseFailures({ findings }: Diagnosis): void {
  const refusal = refusalOf(findings);
  if (refusal !== undefined) throw refusal;
}
