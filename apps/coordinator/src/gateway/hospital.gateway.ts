/** The socket.io face of the desk: every event goes there as it came, and its answer back into the ack. */
import { Inject } from '@nestjs/common';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
  type OnGatewayConnection,
  type OnGatewayDisconnect,
  type OnGatewayInit,
} from '@nestjs/websockets';
import type { IncomingMessage } from 'node:http';
import type { Namespace, Server, Socket } from 'socket.io';
import { limits, requests, type HospitalId, type Pushed } from '@consilium/protocol';
import { STUCK_BYTES } from './caller.js';
import { Desk } from './desk.js';
import { Strangers } from './strangers.js';

/** Below the minute after which proxies on the way cut a WebSocket that is silent. */
const PING_INTERVAL_MS = 25_000;

const roomOf = (hospitalId: HospitalId): string => `hospital/${hospitalId}`;

/**
 * engine.io holds back what `ws` has not flushed, packet by packet; what `ws` holds itself is one flush of them. Neither is in
 * the declared types: should a later version name them otherwise, nothing waits, and the test of slow readers fails.
 */
function unsentBytes({ conn }: Socket): number {
  const { writeBuffer = [], transport } = conn as unknown as {
    readonly writeBuffer?: readonly { readonly data?: unknown }[];
    readonly transport: { readonly socket?: { readonly bufferedAmount?: number } };
  };
  return writeBuffer.reduce(
    (sum, { data }) => sum + PACKET_BYTES + sizeOf(data),
    transport.socket?.bufferedAmount ?? 0,
  );
}

/** What a packet takes besides its bytes, and is to look through: of tiny answers there must not be a hundred thousand. */
const PACKET_BYTES = 2_048;

const sizeOf = (data: unknown): number => (typeof data === 'string' || data instanceof Uint8Array ? data.length : 0);

/** One of engine.io, under whatever namespaces are spoken over it; not in the declared types. */
interface Connection {
  readonly id: string;
  readonly request: IncomingMessage;
  once(event: 'close', listener: () => void): void;
  close(): void;
}

@WebSocketGateway({
  maxHttpBufferSize: limits.messageBytes,
  serveClient: false,
  connectTimeout: limits.handshakeMs,
  pingInterval: PING_INTERVAL_MS,
})
export class HospitalGateway
  implements OnGatewayInit<Server>, OnGatewayConnection<Socket>, OnGatewayDisconnect<Socket>
{
  /** The console's live channel is a namespace of it. */
  @WebSocketServer() readonly server!: Server;
  /** Lines that their hospital has closed itself, for as long as it takes to say so. */
  readonly #goodbyes = new Set<string>();

  constructor(
    @Inject(Desk) private readonly desk: Desk,
    @Inject(Strangers) private readonly strangers: Strangers,
  ) {}

  /** Strangers are counted from their first byte on: not all of them ever come to a namespace, which ends them in time. */
  afterInit(server: Server): void {
    (server.engine as { on(event: 'connection', listener: (connection: Connection) => void): void }).on(
      'connection',
      (connection) => {
        if (!this.strangers.admit(connection.id, connection.request)) {
          connection.close();
          return;
        }
        connection.once('close', () => {
          this.strangers.forget(connection.id);
        });
      },
    );
    // Every other namespace has a door of its own.
    server.on('new_namespace', (namespace: Namespace) => {
      namespace.on('connection', (socket) => {
        this.#known(socket);
      });
    });
  }

  handleConnection(socket: Socket): void {
    this.desk.arrive({ id: socket.id, cut: () => socket.disconnect(true), unsentBytes: () => unsentBytes(socket) });
    socket.on('disconnecting', (reason) => {
      if (reason === 'client namespace disconnect') this.#goodbyes.add(socket.id);
    });
    // Events that do not exist get no answer, but they count: to parse one costs as much.
    socket.use(([event], next) => {
      if (Object.hasOwn(requests, event)) next();
      else if (!this.desk.tolerates(socket.id)) socket.disconnect(true);
    });
    // Each has a few seconds.
    setTimeout(() => {
      if (this.desk.hospitalOf(socket.id) === undefined) socket.disconnect(true);
    }, this.desk.handshakeMs).unref();
  }

  handleDisconnect(socket: Socket): void {
    this.desk.leave(socket.id, this.#goodbyes.delete(socket.id));
    // Nobody speaks over it any more; left open, it would be one that nothing ends.
    socket.conn.close();
  }

  #known({ conn }: Socket): void {
    this.strangers.forget((conn as unknown as Connection).id);
  }

  push(hospitals: readonly HospitalId[], statement: Pushed): void {
    const rooms = hospitals.map(roomOf);
    const { adapter, sockets } = this.server.sockets;
    for (const id of rooms.flatMap((room) => [...(adapter.rooms.get(room) ?? [])])) {
      const socket = sockets.get(id);
      // Discarding what is unsent: who takes nothing would not take a goodbye either. It synchronises when it is back.
      if (socket !== undefined && unsentBytes(socket) > STUCK_BYTES) socket.conn.close(true);
    }
    this.server.to(rooms).emit('statement', statement);
  }

  @SubscribeMessage('hello')
  hello(@ConnectedSocket() socket: Socket, @MessageBody() body: unknown) {
    return this.desk.answer('hello', socket.id, body);
  }

  @SubscribeMessage('prove')
  async prove(@ConnectedSocket() socket: Socket, @MessageBody() body: unknown) {
    const answer = await this.desk.answer('prove', socket.id, body);
    if (answer.ok) await this.#welcome(socket);
    return answer;
  }

  @SubscribeMessage('join')
  async join(@ConnectedSocket() socket: Socket, @MessageBody() body: unknown) {
    const answer = await this.desk.answer('join', socket.id, body);
    if (answer.ok) await this.#welcome(socket);
    return answer;
  }

  async #welcome(socket: Socket): Promise<void> {
    this.#known(socket);
    const hospitalId = this.desk.hospitalOf(socket.id);
    if (hospitalId !== undefined) await socket.join(roomOf(hospitalId));
  }

  @SubscribeMessage('membership')
  membership(@ConnectedSocket() socket: Socket, @MessageBody() body: unknown) {
    return this.desk.answer('membership', socket.id, body);
  }

  @SubscribeMessage('about')
  about(@ConnectedSocket() socket: Socket, @MessageBody() body: unknown) {
    return this.desk.answer('about', socket.id, body);
  }

  @SubscribeMessage('verify')
  verify(@ConnectedSocket() socket: Socket, @MessageBody() body: unknown) {
    return this.desk.answer('verify', socket.id, body);
  }

  @SubscribeMessage('rotate')
  rotate(@ConnectedSocket() socket: Socket, @MessageBody() body: unknown) {
    return this.desk.answer('rotate', socket.id, body);
  }

  @SubscribeMessage('revoke')
  revoke(@ConnectedSocket() socket: Socket, @MessageBody() body: unknown) {
    return this.desk.answer('revoke', socket.id, body);
  }

  @SubscribeMessage('sync')
  sync(@ConnectedSocket() socket: Socket, @MessageBody() body: unknown) {
    return this.desk.answer('sync', socket.id, body);
  }

  @SubscribeMessage('consent')
  consent(@ConnectedSocket() socket: Socket, @MessageBody() body: unknown) {
    return this.desk.answer('consent', socket.id, body);
  }

  @SubscribeMessage('refuse')
  refuse(@ConnectedSocket() socket: Socket, @MessageBody() body: unknown) {
    return this.desk.answer('refuse', socket.id, body);
  }

  @SubscribeMessage('blob.read')
  readBlob(@ConnectedSocket() socket: Socket, @MessageBody() body: unknown) {
    return this.desk.answer('blob.read', socket.id, body);
  }

  @SubscribeMessage('update.offer')
  offerUpdate(@ConnectedSocket() socket: Socket, @MessageBody() body: unknown) {
    return this.desk.answer('update.offer', socket.id, body);
  }

  @SubscribeMessage('update.chunk')
  takeChunk(@ConnectedSocket() socket: Socket, @MessageBody() body: unknown) {
    return this.desk.answer('update.chunk', socket.id, body);
  }

  @SubscribeMessage('update.commit')
  commitUpdate(@ConnectedSocket() socket: Socket, @MessageBody() body: unknown) {
    return this.desk.answer('update.commit', socket.id, body);
  }

  @SubscribeMessage('decline')
  decline(@ConnectedSocket() socket: Socket, @MessageBody() body: unknown) {
    return this.desk.answer('decline', socket.id, body);
  }

  @SubscribeMessage('evaluation')
  evaluation(@ConnectedSocket() socket: Socket, @MessageBody() body: unknown) {
    return this.desk.answer('evaluation', socket.id, body);
  }

  @SubscribeMessage('advert')
  advert(@ConnectedSocket() socket: Socket, @MessageBody() body: unknown) {
    return this.desk.answer('advert', socket.id, body);
  }

  @SubscribeMessage('shares')
  shares(@ConnectedSocket() socket: Socket, @MessageBody() body: unknown) {
    return this.desk.answer('shares', socket.id, body);
  }

  @SubscribeMessage('complaint')
  complaint(@ConnectedSocket() socket: Socket, @MessageBody() body: unknown) {
    return this.desk.answer('complaint', socket.id, body);
  }

  @SubscribeMessage('agree')
  agree(@ConnectedSocket() socket: Socket, @MessageBody() body: unknown) {
    return this.desk.answer('agree', socket.id, body);
  }

  @SubscribeMessage('unmask')
  unmask(@ConnectedSocket() socket: Socket, @MessageBody() body: unknown) {
    return this.desk.answer('unmask', socket.id, body);
  }

  @SubscribeMessage('deliveries.read')
  readDeliveries(@ConnectedSocket() socket: Socket, @MessageBody() body: unknown) {
    return this.desk.answer('deliveries.read', socket.id, body);
  }

  @SubscribeMessage('round.read')
  readRound(@ConnectedSocket() socket: Socket, @MessageBody() body: unknown) {
    return this.desk.answer('round.read', socket.id, body);
  }
}
