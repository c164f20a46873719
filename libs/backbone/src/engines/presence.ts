/** What is installed, told without loading it: the absence of a GPU's library is a normal state, not a failure. */
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { EngineId } from '../engine.js';

export interface Absence {
  readonly why: string;
  /** What brings it, where something does. */
  readonly detail: string;
}

const require = createRequire(import.meta.url);

export const ENABLE_COMMANDS = {
  'tfjs-gpu': 'npm rebuild @tensorflow/tfjs-node-gpu --ignore-scripts=false',
  'onnxruntime-cuda': 'ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild onnxruntime-node --ignore-scripts=false',
} as const;

function folderOf(packageName: string): string | undefined {
  try {
    return dirname(require.resolve(`${packageName}/package.json`));
  } catch {
    return undefined;
  }
}

const NOT_INSTALLED: Absence = { why: 'the package is not installed', detail: '' };

const withoutLibrary = (id: keyof typeof ENABLE_COMMANDS): Absence => ({
  why: 'its native library is not installed',
  detail: `on a host with an NVIDIA GPU: ${ENABLE_COMMANDS[id]} (deploy/gpu.md)`,
});

function tfjsGpuAbsence(): Absence | undefined {
  const folder = folderOf('@tensorflow/tfjs-node-gpu');
  if (folder === undefined) return NOT_INSTALLED;
  const libraries = join(folder, 'lib');
  const builds = existsSync(libraries) ? readdirSync(libraries) : [];
  const isThere = builds.some((build) => existsSync(join(libraries, build, 'tfjs_binding.node')));
  return isThere ? undefined : withoutLibrary('tfjs-gpu');
}

function onnxRuntimeAbsence(id: EngineId, platform: string, arch: string): Absence | undefined {
  const folder = folderOf('onnxruntime-node');
  if (folder === undefined) return NOT_INSTALLED;
  const libraries = join(folder, 'bin', 'napi-v6', platform, arch);
  if (!existsSync(join(libraries, 'onnxruntime_binding.node'))) {
    return { why: `it has no native library for ${platform} on ${arch}`, detail: 'onnxruntime-web needs none' };
  }
  if (id !== 'onnxruntime-cuda') return undefined;
  if (platform !== 'linux' || arch !== 'x64') return { why: 'CUDA is offered on Linux x64 alone', detail: '' };
  return existsSync(join(libraries, 'libonnxruntime_providers_cuda.so')) ? undefined : withoutLibrary(id);
}

/** @returns nothing if the engine is worth a try. @param platform, arch - of this machine, others in tests. */
export function absenceOf(
  id: EngineId,
  platform: string = process.platform,
  arch: string = process.arch,
): Absence | undefined {
  if (id === 'tfjs-gpu') return tfjsGpuAbsence();
  if (id.startsWith('onnxruntime-') && id !== 'onnxruntime-web') return onnxRuntimeAbsence(id, platform, arch);
  return undefined;
}

const DEVICE_MISSING = [
  { pattern: /no GPU device|no CUDA-capable device|CUDA driver version is insufficient/i, why: 'no GPU device' },
  { pattern: /No supported adapters|Failed to get a WebGPU adapter/i, why: 'no graphics adapter' },
  { pattern: /cannot find (package|module)/i, why: NOT_INSTALLED.why },
] as const;

/** @param message - with which an engine did not start. @returns nothing if that is a failure. */
export const absenceIn = (message: string): Absence | undefined => {
  const known = DEVICE_MISSING.find(({ pattern }) => pattern.test(message));
  return known === undefined ? undefined : { why: known.why, detail: '' };
};
