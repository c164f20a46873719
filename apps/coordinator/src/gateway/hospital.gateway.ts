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
} from '@nestjs/websockets';
import type { Server, Socket } from 'socket.io';
import { limits, requests, type Pushed } from '@consilium/protocol';
import { Desk } from './desk.js';

const ROOM = 'hospitals';

@WebSocketGateway({ maxHttpBufferSize: limits.messageBytes, serveClient: false, connectTimeout: limits.handshakeMs })
export class HospitalGateway implements OnGatewayConnection<Socket>, OnGatewayDisconnect<Socket> {
  @WebSocketServer() private readonly server!: Server;
  /** Connections that have not proved who they are, by address. */
  readonly #strangers = new Map<string, Set<string>>();

  constructor(@Inject(Desk) private readonly desk: Desk) {}

  handleConnection(socket: Socket): void {
    // Strangers may not pile up: each has a few seconds, and there is room for so many from one address.
    const strangers = this.#strangers.get(socket.handshake.address) ?? new Set();
    if (strangers.size >= limits.pendingConnections) {
      socket.disconnect(true);
      return;
    }
    this.#strangers.set(socket.handshake.address, strangers.add(socket.id));
    this.desk.arrive({ id: socket.id, cut: () => socket.disconnect(true) });
    // Events that do not exist get no answer, but they count: to parse one costs as much.
    socket.use(([event], next) => {
      if (Object.hasOwn(requests, event)) next();
      else if (!this.desk.tolerates(socket.id)) socket.disconnect(true);
    });
    setTimeout(() => {
      this.#known(socket);
      if (!this.desk.isHospital(socket.id)) socket.disconnect(true);
    }, limits.handshakeMs).unref();
  }

  handleDisconnect(socket: Socket): void {
    this.#known(socket);
    this.desk.leave(socket.id);
  }

  /** No stranger any more: proved, or gone. */
  #known(socket: Socket): void {
    const { address } = socket.handshake;
    const strangers = this.#strangers.get(address);
    strangers?.delete(socket.id);
    if (strangers?.size === 0) this.#strangers.delete(address);
  }

  push(statement: Pushed): void {
    this.server.to(ROOM).emit('statement', statement);
  }

  @SubscribeMessage('hello')
  hello(@ConnectedSocket() socket: Socket, @MessageBody() body: unknown) {
    return this.desk.answer('hello', socket.id, body);
  }

  @SubscribeMessage('prove')
  async prove(@ConnectedSocket() socket: Socket, @MessageBody() body: unknown) {
    const answer = await this.desk.answer('prove', socket.id, body);
    if (answer.ok) {
      this.#known(socket);
      await socket.join(ROOM);
    }
    return answer;
  }

  @SubscribeMessage('sync')
  sync(@ConnectedSocket() socket: Socket, @MessageBody() body: unknown) {
    return this.desk.answer('sync', socket.id, body);
  }

  @SubscribeMessage('consent')
  consent(@ConnectedSocket() socket: Socket, @MessageBody() body: unknown) {
    return this.desk.answer('consent', socket.id, body);
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

  @SubscribeMessage('evaluation')
  evaluation(@ConnectedSocket() socket: Socket, @MessageBody() body: unknown) {
    return this.desk.answer('evaluation', socket.id, body);
  }
}
