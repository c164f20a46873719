/** `consilium-hospital doctor`: everything that can be found wrong before a run, each with what to do. Nothing is changed. */
import { join } from 'node:path';
import type { EnginePreference } from '@consilium/backbone';
import { type HospitalConfig, readHospitalConfig } from '../config.js';
import { backbone, engines, trainer } from '../doctor/computing.js';
import { type Check, fail, type Finding, ok } from '../doctor/finding.js';
import { dataFolder, homeFolder } from '../doctor/folders.js';
import { diskFree, memory, nodeVersion } from '../doctor/machine.js';
import { HospitalError } from '../errors.js';

/** In the order of the report; a new check is a line here. */
const CHECKS: readonly Check[] = [nodeVersion, homeFolder, dataFolder, diskFree, memory, engines, trainer, backbone];

export interface Diagnosis {
  /** The worst of the findings. */
  readonly status: Finding['status'];
  readonly findings: readonly Finding[];
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
  return { status: worst ?? 'ok', findings };
}

export const diagnosisText = ({ findings }: Diagnosis): string =>
  findings
    .flatMap(({ check, status, detail, fix }) => [
      `${status.padEnd(4)} ${check}: ${detail}`,
      ...(fix === '' ? [] : [`     -> ${fix}`]),
    ])
    .join('\n');

/** @throws {@link HospitalError} `CONFIG_INVALID` or `DATA_INVALID` if a check failed, for the exit status. */
export function refuseFailures({ findings }: Diagnosis): void {
  const failed = findings.filter(({ status }) => status === 'fail').map(({ check }) => check);
  if (failed.length === 0) return;
  const code = failed.includes('config') ? 'CONFIG_INVALID' : 'DATA_INVALID';
  throw new HospitalError(code, `this node is not ready: ${failed.join(', ')}`);
}
