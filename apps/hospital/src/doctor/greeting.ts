/**
 * The first word of a handshake, and no more: what answers proves that it holds the pinned key. It is said under a name that
 * says nothing of this hospital, and a node that is running is not disturbed by it.
 */
import { randomBytes } from 'node:crypto';
import { io } from 'socket.io-client';
import { toHex } from '@consilium/bytes';
import { verifyStrict } from '@consilium/crypto';
import {
  answers,
  hospitalIdSchema,
  openStatement,
  PROTOCOL_VERSION,
  ProtocolError,
  type Ack,
  type Answers,
} from '@consilium/protocol';
import { transportOptions } from '../channel/transport.js';
import { EgressDoor } from '../egress/door.js';
import { HospitalError } from '../errors.js';
import { pinnedCoordinator } from '../home.js';
import { FAULTS, faultOf } from '../network/fault.js';
import type { WayOut } from '../network/way-out.js';
import { fail, type Finding, ok, told, warn } from './finding.js';

const NAME = hospitalIdSchema.parse('doctor');
const ANSWER_MS = 10_000;

export async function greeting(home: string, url: string, way: WayOut): Promise<Finding> {
  let key: Uint8Array;
  try {
    key = await pinnedCoordinator(home);
  } catch (error) {
    if (!(error instanceof HospitalError)) throw error;
    // The check of the home has said so.
    return warn('coordinator', `it answers; whether it is ours cannot be told: ${error.code}`, 'pin its card first');
  }
  const socket = io(url, { ...transportOptions(url, way), reconnection: false, forceNew: true });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.on('connect', resolve);
      socket.on('connect_error', reject);
    });
    const nonce = toHex(randomBytes(32));
    const hello = new EgressDoor().pass('hello', {
      versions: { min: 1, max: PROTOCOL_VERSION },
      hospitalId: NAME,
      nonce,
    });
    const raw: unknown = await socket.timeout(ANSWER_MS).emitWithAck('hello', hello);
    return verdict(raw, nonce, key, socket.io.engine.transport.name);
  } catch (error) {
    const [what, fix] = FAULTS[faultOf(error)];
    return fail('coordinator', `it answers plain requests, but no line comes up: ${what}`, fix);
  } finally {
    socket.disconnect();
  }
}

function verdict(raw: unknown, nonce: string, key: Uint8Array, transport: string): Finding {
  const parsed = answers.hello.safeParse(raw);
  if (!parsed.success)
    return fail('coordinator', `NOT_A_COORDINATOR: ${FAULTS.NOT_A_COORDINATOR[0]}`, FAULTS.NOT_A_COORDINATOR[1]);
  const ack = parsed.data as Ack<Answers['hello']>;
  if (!ack.ok)
    return fail('coordinator', `${ack.code}: it refuses this version of the program`, 'update the older side');
  try {
    const { body } = openStatement('challenge', ack.challenge, (bytes, signature) =>
      verifyStrict(key, bytes, signature),
    );
    if (body.clientNonce !== nonce) throw new ProtocolError('COORDINATOR_UNKNOWN');
    const by = transport === 'websocket' ? 'WebSocket' : 'plain requests: something on the way refuses WebSockets';
    return ok('coordinator', `holds the pinned key, protocol ${body.protocol}, by ${by}`);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    const fix =
      'correct `coordinator` in hospital.yaml; if it is right, the coordinator has a new key: ask by phone, then trust its new card';
    return fail('coordinator', `COORDINATOR_UNKNOWN: what answers does not hold the pinned key (${told(error)})`, fix);
  }
}
