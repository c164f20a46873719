/**
 * Claims: (1) every engine that needs no GPU passes the self-test in a process of its own, an error is measured in digits,
 * and wrong features, a wrong length and NaN do not pass; (2) a library or device that is not there is `absent` with a
 * way to get it, and everything else that goes wrong is `failed`; (3) `auto` takes the first that is available and says
 * what it tried, a named engine is that one or an error with the reason; (4) a software adapter is refused by `auto`, used
 * when named, and agrees with PyTorch; (5) no message holds a path of this machine.
 * Oracle: PyTorch's features in `vectors/`; the files of the packages; /proc as Linux documents it.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AUTOMATIC_ENGINES } from '../engine.js';
import { chooseEngine, openEngine, probeEngines } from '../engines.js';
import { networkOf } from '../backbone.js';
import { randomWeights, UNTRAINED_RECIPE } from '../untrained.js';
import { absenceIn, absenceOf, ENABLE_COMMANDS } from './presence.js';
import { float32Environment, probeEngine } from './probe.js';
import { reasonOf } from './reason.js';
import { relativeError, RELATIVE_ERROR_MAX, selfTest } from './self-test.js';
import { isSoftware } from './software-adapter.js';

const architecture = { variant: 'v1.5', width: 4, side: 64 } as const;
const network = networkOf(architecture, UNTRAINED_RECIPE, randomWeights(architecture));

const onnxRuntime = dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json'));
const hasCuda = existsSync(join(onnxRuntime, 'bin/napi-v6/linux/x64/libonnxruntime_providers_cuda.so'));

describe('the self-test', () => {
  it.each(['onnxruntime-cpu', 'onnxruntime-web', 'tfjs-wasm', 'tfjs-cpu'] as const)('passes on %s', async (id) => {
    const [probe] = await probeEngines([id]);
    expect(probe).toMatchObject({ id, status: 'available', why: 'the self-test passed' });
    const [, error] = /^relative error (\d\.\de-\d+) against/.exec(probe?.detail ?? '') ?? [];
    expect(Number(error)).toBeGreaterThan(0);
    expect(Number(error)).toBeLessThan(RELATIVE_ERROR_MAX / 10);
  });

  it('looks while devices are in use', async () => {
    let calls = 0;
    expect(await selfTest('onnxruntime-cpu', 1, () => calls++)).toMatchObject({ passed: true });
    expect(calls).toBe(1);
  });

  it('measures the distance to what is expected, and nothing but numbers is near', () => {
    const expected = Float32Array.of(3, 0, 4);
    expect(relativeError(expected, expected)).toBe(0);
    expect(relativeError(Float32Array.of(3, 1, 4), expected)).toBeCloseTo(0.2, 12);
    for (const actual of [[3, 0], [3, 0, 4, 0], [3, NaN, 4], [3, Infinity, 4], []]) {
      expect(relativeError(Float32Array.from(actual), expected) <= RELATIVE_ERROR_MAX).toBe(false);
    }
    expect(relativeError(new Float32Array(0), new Float32Array(0)) <= RELATIVE_ERROR_MAX).toBe(false);
  });
});

describe('absence', () => {
  it('is told from failure by what the runtimes say', () => {
    const said = (message: string) => absenceIn(message)?.why;
    expect(said('webgpu_context.cc:136 Failed to get a WebGPU adapter: No supported adapters')).toBe(
      'no graphics adapter',
    );
    expect(said('no GPU device')).toBe('no GPU device');
    expect(said('CUDA failure 100: no CUDA-capable device is detected')).toBe('no GPU device');
    expect(said("Cannot find package 'onnxruntime-web' imported from x")).toBe('the package is not installed');
    expect(said('libcudnn.so.9: cannot open shared object file')).toBeUndefined();
    expect(said('the process of the self-test ended with SIGSEGV')).toBeUndefined();
  });

  it('is known for platforms without a library', () => {
    expect(absenceOf('onnxruntime-cpu', 'linux', 'riscv64')?.why).toContain('linux on riscv64');
    expect(absenceOf('onnxruntime-cuda', 'win32', 'x64')?.why).toBe('CUDA is offered on Linux x64 alone');
    expect(absenceOf('onnxruntime-web', 'linux', 'riscv64')).toBeUndefined();
    expect(absenceOf('tfjs-wasm')).toBeUndefined();
  });

  it.skipIf(hasCuda)('of CUDA is normal: it has a command, prints nothing and stops nobody', async () => {
    const [probe] = await probeEngines(['onnxruntime-cuda']);
    expect(probe).toMatchObject({ status: 'absent', why: 'its native library is not installed' });
    expect(probe?.detail).toContain(ENABLE_COMMANDS['onnxruntime-cuda']);
    await expect(openEngine(network, { threads: 1, engine: 'onnxruntime-cuda' })).rejects.toMatchObject({
      code: 'ENGINE_UNAVAILABLE',
      message: expect.stringContaining(ENABLE_COMMANDS['onnxruntime-cuda']) as string,
    });
  });
});

describe('the choice', () => {
  it('is the first available one, with everything that was tried before it', async () => {
    const { id, tried } = await chooseEngine('auto');
    expect(tried.map((probe) => probe.id)).toEqual(AUTOMATIC_ENGINES.slice(0, tried.length));
    expect(tried.map(({ status }) => status === 'available')).toEqual(tried.map((probe) => probe.id === id));
    expect(await chooseEngine('auto')).toEqual({ id, tried });
    expect(JSON.stringify(tried)).not.toContain(process.cwd());
    const engine = await openEngine(network, { threads: 1, engine: 'auto' });
    expect(engine.id).toBe(id);
    await engine.close();
  });

  it('is the named one or an error', async () => {
    expect((await chooseEngine('onnxruntime-web')).id).toBe('onnxruntime-web');
    const broken = { ...network, layers: () => ({ ...network.layers(), convolutions: new Map() }) };
    await expect(openEngine(broken, { threads: 1, engine: 'tfjs-cpu' })).rejects.toMatchObject({
      code: 'ENGINE_UNAVAILABLE',
    });
  });

  it('refuses an engine that passes the self-test and computes another network', async () => {
    const twisted = () => {
      const layers = network.layers();
      const { bias } = layers.convolutions.get('layer4.2.conv3') ?? { bias: new Float32Array(0) };
      bias.forEach((value, k) => (bias[k] = value + 0.01));
      return layers;
    };
    const opened = openEngine({ ...network, layers: twisted }, { threads: 1, engine: 'tfjs-wasm' });
    await expect(opened).rejects.toMatchObject({
      code: 'ENGINE_UNAVAILABLE',
      message: expect.stringMatching(/tfjs-wasm .* differs from onnxruntime-cpu, relative error/) as string,
    });
  });
});

describe('an adapter', () => {
  it('is software when no device of a GPU is open', () => {
    expect(isSoftware(['/dev/null', 'socket:[1]', '/dev/udmabuf', '/dev/dri/card0'])).toBe(true);
    for (const device of ['/dev/dri/renderD128', '/dev/nvidia0', '/dev/dxg']) {
      expect(isSoftware(['/dev/null', device])).toBe(false);
    }
  });

  it('computes with WebGPU what PyTorch computes', async (context) => {
    const probe = await probeEngine('onnxruntime-webgpu', true);
    if (probe.status === 'absent') context.skip(`WebGPU is not exercised here: ${probe.why}`);
    expect(probe).toMatchObject({ status: 'available' });
    const engine = await openEngine(network, { threads: 1, engine: 'onnxruntime-webgpu' });
    expect(await engine.embed(new Float32Array(64 * 64).fill(0.5), 1)).toHaveLength(128);
    await engine.close();
    const strict = await probeEngine('onnxruntime-webgpu');
    if (strict.status === 'failed') expect(strict.why).toBe('the graphics adapter is software');
    expect((await chooseEngine('auto')).id === 'onnxruntime-webgpu').toBe(strict.status === 'available');
  });
});

describe('messages and environment', () => {
  it('are one line without paths', () => {
    const error = new Error(
      "Cannot load /opt/site a/libcuda.so: 'file:///home/x/y.js' or C:\\drivers\\z.dll\nsecond line",
    );
    expect(reasonOf(error)).not.toMatch(/opt|home|drivers|second/);
    expect(reasonOf('x'.repeat(1000))).toHaveLength(300);
  });

  it('ask CUDA for float32, unless the operator says otherwise', () => {
    expect(float32Environment({ A: '1' })).toEqual({ A: '1', NVIDIA_TF32_OVERRIDE: '0' });
    expect(float32Environment({ NVIDIA_TF32_OVERRIDE: '1' })).toEqual({ NVIDIA_TF32_OVERRIDE: '1' });
  });
});
