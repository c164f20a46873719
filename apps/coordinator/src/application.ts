/** The NestJS application: the socket of the hospitals, the API and the console of the operators, and the answers to a monitor. */
import { Module } from '@nestjs/common';
import { APP_GUARD, NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { IoAdapter } from '@nestjs/platform-socket.io';
import type { ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { ActivityController } from './api/activity.controller.js';
import { Activity } from './api/activity.js';
import type { ApiCode } from './api/api-error.js';
import { consolePage, SECURITY_HEADERS } from './api/console-page.js';
import { ErrorFilter } from './api/error-filter.js';
import { HospitalsController } from './api/hospitals.controller.js';
import { Hospitals } from './api/hospitals.js';
import { RunRegister } from './api/run-register.js';
import { HOME, RunsController } from './api/runs.controller.js';
import { Desk } from './gateway/desk.js';
import { HospitalGateway } from './gateway/hospital.gateway.js';
import { Strangers } from './gateway/strangers.js';
import type { Home } from './home.js';
import { MembershipController } from './membership/membership.controller.js';
import { MembershipDeeds } from './membership/deeds.js';
import { frameworkLog } from './operations/framework-log.js';
import { Health, HealthController } from './operations/health.js';
import { Metrics } from './operations/metrics.js';
import type { Door } from './operators/door.js';
import { OperatorGuard } from './operators/guard.js';
import { OperatorsController } from './operators/operators.controller.js';
import { Operators } from './operators/operators.js';
import { SessionController } from './operators/session.controller.js';
import { SignIns } from './operators/sign-ins.js';

export interface ApplicationParts {
  readonly home: Home;
  readonly desk: Desk;
  readonly strangers: Strangers;
  readonly register: RunRegister;
  readonly hospitals: Hospitals;
  readonly membership: MembershipDeeds;
  readonly health: Health;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly door: Door;
  readonly guard: OperatorGuard;
  readonly activity: Activity;
  readonly operators: Operators;
  readonly signIns: SignIns;
  readonly refused: (code: ApiCode) => void;
}

/** All routes; a test looks at each of them. */
export const CONTROLLERS = [
  SessionController,
  OperatorsController,
  ActivityController,
  RunsController,
  HospitalsController,
  MembershipController,
  HealthController,
] as const;

/** A roster of 200 hospitals and 1,000 labels fits. */
const BODY_BYTES = 262_144;

export async function createApplication(parts: ApplicationParts): Promise<NestExpressApplication> {
  const { home, desk, strangers, register, hospitals, health, metrics, log, door, refused } = parts;
  const { activity, guard, membership, operators, signIns } = parts;

  @Module({
    controllers: [...CONTROLLERS],
    providers: [
      HospitalGateway,
      { provide: APP_GUARD, useValue: guard },
      { provide: Activity, useValue: activity },
      { provide: Operators, useValue: operators },
      { provide: SignIns, useValue: signIns },
      { provide: HOME, useValue: home },
      { provide: Desk, useValue: desk },
      { provide: Strangers, useValue: strangers },
      { provide: RunRegister, useValue: register },
      { provide: Hospitals, useValue: hospitals },
      { provide: MembershipDeeds, useValue: membership },
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
  app.use(['/api', '/metrics', '/healthz', '/readyz'], (_: unknown, response: ServerResponse, next: () => void) => {
    response.setHeader('content-security-policy', "default-src 'none'; frame-ancestors 'none'");
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value);
    next();
  });
  app.use(consolePage());
  // In this order: a stranger's body is never read. What is read is text, and the run file's own parser makes sense of it.
  app.use(['/api', '/metrics'], door);
  app.useBodyParser('text', { type: () => true, limit: BODY_BYTES });
  app.useGlobalFilters(new ErrorFilter(log, refused));
  return app;
}
