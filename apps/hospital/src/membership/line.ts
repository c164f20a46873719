/** One connection for one errand of a person here. What leaves goes through the door, into the journal, as from a node. */
import { answers, ProtocolError, type Ack, type Answers, type Request, type RequestName } from '@consilium/protocol';
import { refusalOf, throughDoor } from '../channel/channel.js';
import { shakeHands, type Credentials } from '../channel/handshake.js';
import { LineLost, socketNetwork, type Wire } from '../channel/wire.js';
import { dial, tell } from '../control/socket.js';
import { EgressDoor } from '../egress/door.js';
import { EgressJournal } from '../egress/journal.js';
import { HospitalError } from '../errors.js';
import type { FaultCode } from '../network/fault.js';
import type { WayOut } from '../network/way-out.js';

export interface Errand {
  readonly home: string;
  readonly url: string;
  readonly way: WayOut;
}

export type AskAny = <N extends RequestName>(name: N, request: Request<N>) => Promise<Answers[N]>;

/** Tries before an address counts as unreachable: socket.io waits longer after each. */
const TRIES = 3;
const RELAY_MS = 30_000;

/**
 * A line of this command's own.
 *
 * @param work - on a connection that has proved nothing yet.
 * @throws {@link HospitalError} `ALREADY_RUNNING`, `COORDINATOR_UNREACHABLE`; {@link ProtocolError} as the coordinator refuses.
 */
export async function onLine<T>({ home, url, way }: Errand, work: (ask: AskAny) => Promise<T>): Promise<T> {
  // Two sessions of one hospital would cut each other off, and write one journal.
  const running = await dial(home).catch(() => undefined);
  running?.destroy();
  if (running !== undefined) {
    throw new HospitalError(
      'ALREADY_RUNNING',
      'a node of this home is running, and this changes its keys: consilium-hospital stop, and start it after',
    );
  }
  const door = new EgressDoor({ journal: new EgressJournal(home) });
  let wire: Wire | undefined;
  try {
    wire = throughDoor(await connected(url, way), door);
    const open = wire;
    return await work((name, request) => ask(open, name, request));
  } catch (error) {
    if (error instanceof LineLost) throw unreachable(url, 'the connection was lost');
    throw error;
  } finally {
    wire?.disconnect();
    door.close();
  }
}

/** As {@link onLine}, after both sides have proved who they are. */
export const onOwnLine = <T>(errand: Errand, credentials: Credentials, work: (ask: AskAny) => Promise<T>): Promise<T> =>
  onLine(errand, async (ask) => {
    await shakeHands(ask, credentials);
    return work(ask);
  });

/** Over the line of the node that is running, where one is: a second session of one hospital would end the first. */
export async function asHospital<T>(
  errand: Errand,
  credentials: Credentials,
  work: (ask: AskAny) => Promise<T>,
): Promise<T> {
  const node = await dial(errand.home).catch(() => undefined);
  if (node === undefined) return onOwnLine(errand, credentials, work);
  node.destroy();
  return work(async (name, request) => {
    const socket = await dial(errand.home);
    const answer = socket && (await tell(socket, { ask: name, request }, RELAY_MS));
    socket?.destroy();
    if (answer === undefined) throw unreachable(errand.url, 'the node that is running here has no line to it');
    return answerOf(name, answer);
  });
}

function connected(url: string, way: WayOut): Promise<Wire> {
  return new Promise((resolve, reject) => {
    let failures = 0;
    const wire = socketNetwork(way).wire(url, {
      connected: () => {
        resolve(wire);
      },
      disconnected: () => undefined,
      unreachable: (why?: FaultCode) => {
        failures += 1;
        if (failures < TRIES) return;
        wire.disconnect();
        reject(unreachable(url, why ?? 'no answer'));
      },
      statement: () => undefined,
    });
    wire.connect();
  });
}

const unreachable = (url: string, why: string): HospitalError =>
  new HospitalError(
    'COORDINATOR_UNREACHABLE',
    `no coordinator answers at ${url} (${why}); consilium-hospital doctor looks closer`,
  );

async function ask<N extends RequestName>(wire: Wire, name: N, request: Request<N>): Promise<Answers[N]> {
  return answerOf(name, await wire.ask(name, request));
}

/** @param answer - the coordinator's: untrusted. @throws {@link ProtocolError} as it refuses. */
function answerOf<N extends RequestName>(name: N, answer: unknown): Answers[N] {
  const parsed = answers[name].safeParse(answer);
  if (!parsed.success) throw new ProtocolError('MESSAGE_INVALID', `answer to ${name}`);
  const ack = parsed.data as Ack<Answers[N]>;
  if (!ack.ok) throw refusalOf(ack);
  return ack;
}
