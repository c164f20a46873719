/**
 * The live channel of the console: a namespace of the socket.io server that the hospitals use, with a door of its own. It
 * is opened by the cookie of a session, says that something changed and nothing else, takes no word from anybody, and is
 * cut with its session.
 */
import type { Server, Socket } from 'socket.io';
import { CHANGED_EVENT, LIVE_NAMESPACE, type ChangedMessage } from '@consilium/operator-api';
import type { Callers } from './caller.js';
import type { Site } from './cookies.js';
import type { Sessions } from './sessions.js';

export interface LiveParts {
  readonly callers: Pick<Callers, 'bySession'>;
  readonly sessions: Pick<Sessions, 'isAlive' | 'onEnd'>;
  readonly site: Site;
}

/** Pages of one session, and of all. */
const PER_SESSION = 20;
const ALL = 500;
/** What changes again within this time is said once. */
const QUIET_MS = 200;
/** How often sessions that nobody ended are looked at. */
const LOOK_MS = 30_000;

export class Live {
  readonly #waiting = new Map<string, ChangedMessage>();
  readonly #bySession = new Map<string, Set<Socket>>();
  #timer: NodeJS.Timeout | undefined;
  #look: NodeJS.Timeout | undefined;
  #server: Server | undefined;

  constructor(private readonly parts: LiveParts) {
    parts.sessions.onEnd((digest) => {
      this.#cut(digest);
    });
  }

  /** @param server - that of the hospitals; nothing of theirs is touched. */
  open(server: Server): void {
    this.#server = server;
    const namespace = server.of(LIVE_NAMESPACE);
    namespace.use((socket, next) => {
      const digest = this.#admit(socket);
      if (digest === undefined) next(new Error('UNAUTHORIZED'));
      else {
        (socket.data as { session?: string }).session = digest;
        next();
      }
    });
    namespace.on('connection', (socket) => {
      const { session = '' } = socket.data as { session?: string };
      // It may have ended while this page was connecting.
      if (!this.parts.sessions.isAlive(session)) {
        socket.disconnect(true);
        return;
      }
      this.#bySession.set(session, (this.#bySession.get(session) ?? new Set()).add(socket));
      // A page that speaks is not ours.
      socket.onAny(() => socket.disconnect(true));
      socket.on('disconnect', () => {
        const sockets = this.#bySession.get(session);
        sockets?.delete(socket);
        if (sockets?.size === 0) this.#bySession.delete(session);
      });
    });
    this.#look = setInterval(() => {
      for (const digest of this.#bySession.keys()) if (!this.parts.sessions.isAlive(digest)) this.#cut(digest);
    }, LOOK_MS).unref();
  }

  /** Said within a moment, once for many. */
  changed(topic: ChangedMessage['topic'], id?: string): void {
    this.#waiting.set(`${topic}\n${id ?? ''}`, { topic, ...(id !== undefined && { id }) });
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      const messages = [...this.#waiting.values()];
      this.#waiting.clear();
      if (this.#bySession.size === 0) return;
      for (const message of messages) this.#server?.of(LIVE_NAMESPACE).emit(CHANGED_EVENT, message);
    }, QUIET_MS).unref();
  }

  close(): void {
    clearTimeout(this.#timer);
    clearInterval(this.#look);
  }

  /** @returns The digest of the session. */
  #admit({ handshake: { headers }, conn }: Socket): string | undefined {
    // Polling from the page's own origin names none in some browsers; a cookie that is SameSite=Strict is not sent from others.
    const isOwn = this.parts.site.isOwn(headers.origin, { headers });
    if (!isOwn && !(headers.origin === undefined && conn.transport.name === 'polling')) return undefined;
    const digest = this.parts.callers.bySession(headers.cookie)?.session.digest;
    if (digest === undefined || (this.#bySession.get(digest)?.size ?? 0) >= PER_SESSION) return undefined;
    return [...this.#bySession.values()].reduce((sum, { size }) => sum + size, 0) >= ALL ? undefined : digest;
  }

  #cut(digest: string): void {
    for (const socket of this.#bySession.get(digest) ?? []) socket.disconnect(true);
  }
}
