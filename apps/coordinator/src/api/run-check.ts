/** What a run file would come to, asked before anybody signs anything: {@link checkRun}. */
import { stringify } from 'yaml';
import type { RunCheck, RunFile } from '@consilium/operator-api';
import { ModelSpecError } from '@consilium/model-spec';
import type { Enrolment, RunConfig } from '@consilium/protocol';
import { explainRunFile } from '../cli/explain.js';
import { CoordinatorError, type FieldFault } from '../errors.js';
import { parseRunFile, plainValue, runConfig } from '../run-file.js';
import { leastHospitals, secureView } from './secure-view.js';

export interface CheckParts {
  readonly enrolled: readonly Enrolment[];
  /** Whether a run of this name is there already. */
  readonly isTaken: (run: string) => boolean;
  /** @returns The text that hospitals approve, and the bytes that one round sends. */
  readonly asked: (config: RunConfig) => { readonly approval: string; readonly bytesPerRound: number };
}

const NAME = 'the run file';

const NOTHING = {
  ...{ effective: [], hospitals: [], cohort: null, thresholds: null, overflow: null },
  ...{ parameters: null, bytesPerRound: null, yaml: null, approval: null },
};

/** Never rejects for what the file says: that is the answer. @param text - of any origin. */
export function checkRun(text: string, form: 'yaml' | 'json', { enrolled, isTaken, asked }: CheckParts): RunCheck {
  let yaml: string | null = null;
  try {
    const written = plainValue(text, form, NAME);
    yaml = stringify(written);
    const file = parseRunFile(text, form, NAME);
    const readable = { ...NOTHING, yaml, effective: effectiveOf(text, form), cohort: cohortOf(file) };
    const problems: FieldFault[] = isTaken(file.run)
      ? [{ field: 'run', message: 'there is a run of this name already; a run is never changed or repeated' }]
      : [];
    try {
      const config = runConfig(file, enrolled);
      return {
        ...{ ...readable, valid: problems.length === 0, problems, parameters: config.parameters },
        hospitals: config.roster.map(({ hospitalId }) => hospitalId),
        ...secureView(config),
        ...asked(config),
        ...(leastHospitals(config) > file.minHospitals && {
          cohort: { least: leastHospitals(config), because: 'MODE' as const },
        }),
      };
    } catch (error) {
      return { ...readable, valid: false, problems: [...problems, ...problemsOf(error)] };
    }
  } catch (error) {
    return { ...NOTHING, yaml, valid: false, problems: problemsOf(error) };
  }
}

function effectiveOf(text: string, form: 'yaml' | 'json'): RunCheck['effective'] {
  return explainRunFile(text, NAME, form).map(({ value, ...explained }) => ({ ...explained, value: value ?? null }));
}

function cohortOf({ minHospitals, stragglers }: RunFile): RunCheck['cohort'] {
  const isSmaller = stragglers !== undefined && stragglers.quorum < minHospitals;
  // The machine never averages fewer than minHospitals, whatever the quorum says.
  return { least: minHospitals, because: isSmaller ? 'QUORUM' : 'CONFIGURED' };
}

function problemsOf(error: unknown): FieldFault[] {
  if (error instanceof ModelSpecError) return [{ field: 'head', message: error.message }];
  if (!(error instanceof CoordinatorError)) throw error;
  if (error.fields.length > 0) return [...error.fields];
  return [{ field: error.code === 'TOO_FEW_ENROLLED' ? 'hospitals' : '', message: error.message }];
}
