/** `consilium-hospital engine list`: what this machine can compute embeddings with. */
import { type EngineId, type EngineProbe, probeEngines } from '@consilium/backbone';

export interface EngineList {
  /** What `engine: auto` takes on this machine; absent if nothing works. */
  readonly automatic?: EngineId;
  readonly engines: readonly EngineProbe[];
}

/** Each tested in a process of its own, one after the other. */
export async function listEngines(): Promise<EngineList> {
  const engines = await probeEngines();
  const automatic = engines.find(({ status }) => status === 'available')?.id;
  return { ...(automatic !== undefined && { automatic }), engines };
}

const engineLine = ({ id, status, why, detail }: EngineProbe): string =>
  `${id.padEnd(19)} ${status.padEnd(10)} ${why}${detail === '' ? '' : `: ${detail}`}`;

export const engineText = ({ automatic, engines }: EngineList): string =>
  [...engines.map(engineLine), `auto takes ${automatic ?? 'nothing: no engine works here'}`].join('\n');
