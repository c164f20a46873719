/** Composition: one run, its conductor, its desk, and the NestJS application that carries them to the network. */
import 'reflect-metadata';
import { writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Module, type LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { IoAdapter } from '@nestjs/platform-socket.io';
import type { Server as HttpServer } from 'node:http';
import type { Logger } from 'pino';
import { generateRoundKey, signBytes, type RoundKey } from '@consilium/crypto';
import { headTensors } from '@consilium/model-spec';
import { signStatement, type Pushed, type RunConfig, type RunEnd } from '@consilium/protocol';
import { writeSafetensors } from '@consilium/tensors';
import { CoordinatorError } from './errors.js';
import { Desk } from './gateway/desk.js';
import { HospitalGateway } from './gateway/hospital.gateway.js';
import { Uploads } from './gateway/uploads.js';
import type { Home } from './home.js';
import { BlobFolder } from './run/blob-folder.js';
import { Conductor, type ConductorPorts } from './run/conductor.js';
import type { Progress } from './run/progress.js';

export interface CoordinatorOptions {
  readonly home: Home;
  readonly config: RunConfig;
  readonly timing: ConductorPorts['timing'];
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly log: Logger;
  /** Another source of round keys: an audit that must open what was captured on the wire brings its own. */
  readonly makeRoundKey?: () => RoundKey;
  readonly progress: (progress: Progress) => void;
}

export interface RunningCoordinator {
  readonly url: string;
  /** Resolves when the run has ended and its hospitals have left, or had the time to. */
  readonly ended: Promise<Pick<RunEnd, 'outcome' | 'reason'>>;
  /** Ends the run for everybody: hospitals are told. */
  stop(): void;
  close(): Promise<void>;
}

/** @throws {@link CoordinatorError} `PORT_IN_USE`. */
export async function openCoordinator(options: CoordinatorOptions): Promise<RunningCoordinator> {
  const { home, log } = options;
  const blobs = new BlobFolder(join(home.directory, 'blobs'));
  const sign: ConductorPorts['sign'] = (name, body) =>
    signStatement(name, body, 'coordinator', (bytes) => signBytes(home.identity, bytes));
  const config = signStatement('run-config', options.config, 'coordinator', (bytes) => signBytes(home.identity, bytes));

  let finish: (end: Pick<RunEnd, 'outcome' | 'reason'>) => void;
  let fail: (error: unknown) => void;
  const ended = new Promise<Pick<RunEnd, 'outcome' | 'reason'>>((resolve, reject) => {
    finish = resolve;
    fail = reject;
  });
  let push: (statement: Pushed) => void = () => undefined;
  let afterEnd: () => Promise<void> = () => Promise.resolve();

  const progress = (step: Progress): void => {
    log.info(step);
    options.progress(step);
    if (step.event === 'ended')
      void afterEnd().then(() => {
        finish(step);
      }, fail);
    if (step.event === 'round-done') uploads.clear();
  };
  const conductor = new Conductor({
    ...{ config, blobs, sign, progress },
    timing: options.timing,
    makeRoundKey: options.makeRoundKey ?? generateRoundKey,
    push: (statement) => {
      push(statement);
    },
    keepModel: (round, model) => keepModel(home, options.config, round, model),
    failed: (error) => {
      log.error({ err: error }, 'the run cannot go on');
    },
  });
  const uploads = new Uploads(conductor, blobs);
  const roster = new Map(options.config.roster.map(({ hospitalId, identityKey }) => [hospitalId, identityKey]));
  const desk = new Desk({ identity: home.identity, roster, conductor, uploads, log, progress });

  @Module({ providers: [HospitalGateway, { provide: Desk, useValue: desk }] })
  class CoordinatorModule {}

  const app = await NestFactory.create(CoordinatorModule, { logger: nestLogger(log), abortOnError: false });
  app.useWebSocketAdapter(new IoAdapter(app));
  const gateway = app.get(HospitalGateway);
  push = (statement) => {
    gateway.push(statement);
  };
  await app.listen(options.port, options.host).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw new CoordinatorError(
      'PORT_IN_USE',
      `port ${options.port} on ${options.host} is taken by another program; choose another with --port, or 0 for a free one`,
    );
  });
  const address = (app.getHttpServer() as HttpServer).address() as AddressInfo;
  const url = `http://${options.host}:${address.port}`;
  afterEnd = () => desk.empty(END_GRACE_MS);
  progress({ event: 'listening', url });
  return {
    url,
    ended,
    stop: () => void conductor.accept({ type: 'stop' }),
    close: () => app.close(),
  };
}

/** How long hospitals that were told the end may take to leave. */
const END_GRACE_MS = 5_000;

/** The head after a round, readable by anything that reads safetensors. */
async function keepModel(home: Home, config: RunConfig, round: number, model: Float32Array): Promise<void> {
  const tensors = new Map<string, { shape: readonly number[]; values: Float32Array }>(
    headTensors(config.head).map(({ name, shape, offset, length }) => [
      name,
      { shape, values: model.subarray(offset, offset + length) },
    ]),
  );
  const metadata = new Map([
    ['run', config.runId],
    ['round', String(round)],
    ['labels', JSON.stringify(config.study.labels)],
  ]);
  const bytes = writeSafetensors(tensors, metadata);
  await writeFile(join(home.directory, 'models', `round-${String(round).padStart(5, '0')}.safetensors`), bytes);
}

/** Nest's own lines go where all others go. */
function nestLogger(log: Logger): LoggerService {
  const text = (message: unknown): string => (typeof message === 'string' ? message : 'framework message');
  return {
    log: (message: unknown) => {
      log.debug(text(message));
    },
    warn: (message: unknown) => {
      log.warn(text(message));
    },
    error: (message: unknown) => {
      log.error(text(message));
    },
  };
}
