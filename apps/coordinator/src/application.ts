/** The NestJS application: the socket of the hospitals, the API of the operator and the answers to a monitor on one port. */
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { IoAdapter } from '@nestjs/platform-socket.io';
import type { Logger } from 'pino';
import type { ApiCode } from './api/api-error.js';
import { ErrorFilter } from './api/error-filter.js';
import { HospitalsController } from './api/hospitals.controller.js';
import { Hospitals } from './api/hospitals.js';
import type { Door } from './api/operator-only.js';
import { RunRegister } from './api/run-register.js';
import { HOME, RunsController } from './api/runs.controller.js';
import { Desk } from './gateway/desk.js';
import { HospitalGateway } from './gateway/hospital.gateway.js';
import type { Home } from './home.js';
import { frameworkLog } from './operations/framework-log.js';
import { Health, HealthController } from './operations/health.js';
import { Metrics } from './operations/metrics.js';

export interface ApplicationParts {
  readonly home: Home;
  readonly desk: Desk;
  readonly register: RunRegister;
  readonly hospitals: Hospitals;
  readonly health: Health;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly door: Door;
  readonly refused: (code: ApiCode) => void;
}

/** A roster of 200 hospitals and 1,000 labels fits. */
const BODY_BYTES = 262_144;

export async function createApplication(parts: ApplicationParts): Promise<NestExpressApplication> {
  const { home, desk, register, hospitals, health, metrics, log, door, refused } = parts;

  @Module({
    controllers: [RunsController, HospitalsController, HealthController],
    providers: [
      HospitalGateway,
      { provide: HOME, useValue: home },
      { provide: Desk, useValue: desk },
      { provide: RunRegister, useValue: register },
      { provide: Hospitals, useValue: hospitals },
      { provide: Health, useValue: health },
      { provide: Metrics, useValue: metrics },
    ],
  })
  class CoordinatorModule {}

  const app = await NestFactory.create<NestExpressApplication>(CoordinatorModule, {
    ...{ logger: frameworkLog(log), abortOnError: false, bodyParser: false },
    // A reader that takes its time must not keep a coordinator that was asked to end.
    forceCloseConnections: true,
  });
  app.useWebSocketAdapter(new IoAdapter(app));
  app.disable('x-powered-by');
  app.disable('etag');
  // In this order: a stranger's body is never read. What is read is text, and the run file's own parser makes sense of it.
  app.use(['/api', '/metrics'], door);
  app.useBodyParser('text', { type: () => true, limit: BODY_BYTES });
  app.useGlobalFilters(new ErrorFilter(log, refused));
  return app;
}
