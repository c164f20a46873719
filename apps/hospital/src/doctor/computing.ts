/** The frozen network, the engines that run it, and the trainer of the head. */
import { chooseEngine, probeEngines } from '@consilium/backbone';
import { openBackend } from '@consilium/head';
import { openBackbone } from '../learning/local-data.js';
import { type Check, fail, type Finding, ok, told, warn } from './finding.js';

const ENGINE_FIX = 'deploy/gpu.md says how to enable a GPU; `engine: auto` in hospital.yaml takes what works';

export const engines: Check = async ({ engine }) => {
  const findings: Finding[] = [];
  for (const { id, status, why, detail } of await probeEngines()) {
    const text = [status, why, detail].filter(Boolean).join(': ');
    // The absence of a GPU is normal; an engine that is there and wrong is worth a look even when another one is used.
    findings.push(status === 'failed' ? warn(`engine ${id}`, text, ENGINE_FIX) : ok(`engine ${id}`, text));
  }
  try {
    findings.push(ok('engine', `${(await chooseEngine(engine)).id} is used`));
  } catch (error) {
    findings.push(fail('engine', told(error), ENGINE_FIX));
  }
  return findings;
};

export const trainer: Check = async () => {
  try {
    const { id, tried } = await openBackend();
    const others = tried.flatMap((attempt) =>
      attempt.outcome === 'chosen' ? [] : [`${attempt.id} ${attempt.outcome}: ${attempt.reason}`],
    );
    return [ok('trainer', [`${id} is used`, ...others].join('; '))];
  } catch (error) {
    return [fail('trainer', told(error), 'reinstall the packages: npm ci')];
  }
};

export const backbone: Check = async ({ config }) => {
  try {
    const { name, hash, trained } = await openBackbone(config?.backbone);
    const detail = `${name}, hash ${hash.slice(0, 12)}`;
    const fix = 'for anything but a demonstration, import trained weights: consilium-hospital backbone import FILE';
    return [trained ? ok('backbone', detail) : warn('backbone', detail, fix)];
  } catch (error) {
    return [fail('backbone', told(error), 'correct `backbone` in hospital.yaml, or import the file again')];
  }
};
