/** The way out as hospital.yaml has it. */
import { readFile } from 'node:fs/promises';
import type { HospitalConfig } from '../config.js';
import { HospitalError } from '../errors.js';
import type { WayOut } from './way-out.js';

/** @throws {@link HospitalError} `FILE_MISSING` for certificates that are named and not there. */
export async function wayOutOf({ caFile, pin }: Pick<HospitalConfig, 'caFile' | 'pin'>): Promise<WayOut> {
  const pins = pin === undefined || pin === 'none' ? {} : { pins: pin };
  if (caFile === undefined) return pins;
  const ca = await readFile(caFile, 'utf8').catch(() => {
    throw new HospitalError('FILE_MISSING', `cannot read the certificates ${caFile}`);
  });
  return { ca, ...pins };
}
