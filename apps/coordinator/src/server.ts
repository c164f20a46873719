/** Composition: a store, the lead over it, its runs, their desk, and the NestJS application that carries them to the network. */
import 'reflect-metadata';
import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { toHex } from '@consilium/bytes';
import { generateRoundKey, type RoundKey } from '@consilium/crypto';
import type { RunConfig } from '@consilium/protocol';
import { openEmbeddedStore, openPostgresStore, type RunStore, type StoreError } from '@consilium/store';
import { Activity } from './api/activity.js';
import { Hospitals } from './api/hospitals.js';
import { OPEN_ROUTES } from './api/openapi.js';
import { RunRegister } from './api/run-register.js';
import { loadOrCreateToken } from './api/token.js';
import { createApplication } from './application.js';
import { Desk } from './gateway/desk.js';
import { HospitalGateway } from './gateway/hospital.gateway.js';
import { Strangers } from './gateway/strangers.js';
import { Uploads } from './gateway/uploads.js';
import type { Home } from './home.js';
import { Admission } from './membership/admission.js';
import { MembershipDeeds } from './membership/deeds.js';
import { Membership } from './membership/membership.js';
import { watchMembership } from './membership/watch.js';
import { portError, urlOf } from './operations/address.js';
import { Health } from './operations/health.js';
import { measuredStore } from './operations/measured-store.js';
import { Metrics } from './operations/metrics.js';
import { currentRequest } from './operations/request-scope.js';
import { Snapshots, type SnapshotPolicy } from './operations/snapshots.js';
import { answerAsStandby } from './operations/standby.js';
import { Callers } from './operators/caller.js';
import { Site } from './operators/cookies.js';
import { doorOf } from './operators/door.js';
import { Elsewhere, type OidcFile } from './operators/elsewhere.js';
import { OperatorGuard } from './operators/guard.js';
import { Live } from './operators/live.js';
import { openOperators } from './operators/open-operators.js';
import { Operators } from './operators/operators.js';
import { SignIns } from './operators/sign-ins.js';
import { systemClock } from './run/clock.js';
import type { Conductor, ConductorPorts } from './run/conductor.js';
import { Leadership } from './run/leadership.js';
import { Office } from './run/office.js';
import type { Progress } from './run/progress.js';
import { VectorWindow } from './run/vector-window.js';

export interface CoordinatorOptions {
  readonly home: Home;
  /** PostgreSQL; without it the store is a folder of the home. */
  readonly databaseUrl?: string;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly log: Logger;
  /** Default: all. */
  readonly snapshots?: SnapshotPolicy;
  /** How long masked vectors are kept after their sum, days. Default: {@link VECTOR_DAYS}. */
  readonly keepVectorsDays?: number;
  /** Another source of round keys: an audit that must open what was captured on the wire brings its own. */
  readonly makeRoundKey?: () => RoundKey;
  /** Another store: tests bring one that fails. */
  readonly store?: RunStore;
  readonly progress: (progress: Progress) => void;
  /** Where people reach it, if that is not where it listens: behind a proxy. */
  readonly publicUrl?: string;
  /** Sign-in at an OpenID provider. */
  readonly oidc?: OidcFile;
  /** Ends the wait for the lead; {@link openCoordinator} rejects with its reason. */
  readonly signal?: AbortSignal;
}

export interface RunningCoordinator {
  readonly url: string;
  /** The address of a page that makes the first account; undefined where there is one. For a person's eyes, not for a log. */
  setUpUrl(): Promise<string | undefined>;
  readonly office: Office;
  /** Begins a run, or goes on with it. @throws StoreError `RUN_EXISTS` for another configuration of that name. */
  begin(config: RunConfig): Promise<Conductor>;
  /** Resolves when all hospitals know the end and have left, at the latest after some seconds. */
  emptied(): Promise<void>;
  /** Resolves when nothing more happens here, and why: another coordinator has taken over, or only a newer one may write. */
  readonly deposed: Promise<StoreError>;
  /** Parks all runs: whoever leads this store next goes on with them. */
  close(): Promise<void>;
}

/** Long enough for an audit of a run that took a month. */
export const VECTOR_DAYS = 30;
/** How long hospitals that were told the end may take to leave. */
const END_GRACE_MS = 5_000;
/** How long those may take to come back that were not: longer than their longest pause. */
const RETURN_GRACE_MS = 25_000;

/** Resolves when this process leads its store. @throws CoordinatorError `PORT_IN_USE`, `TOKEN_FILE_INVALID`; StoreError. */
export async function openCoordinator(options: CoordinatorOptions): Promise<RunningCoordinator> {
  const { home, log } = options;
  const token = await loadOrCreateToken(home.directory);
  // Each is there as soon as the one before it is; what may be asked earlier finds nothing.
  const here: { office?: Office; desk?: Desk; gateway?: HospitalGateway; live?: Live; membership?: Membership } = {};
  const metrics = new Metrics(() => ({ runs: here.office?.runs ?? [], connected: here.desk?.present().length ?? 0 }));
  const hospitals = new Hospitals(
    () => here.membership,
    () => here.desk?.present().map(({ hospitalId }) => hospitalId) ?? [],
  );
  const progress = (step: Progress): void => {
    log.info(step.event === 'refused' ? { ...step, requestId: currentRequest() } : step);
    metrics.note(step);
    hospitals.note(step);
    if (step.event === 'connected' || step.event === 'disconnected' || step.event === 'about')
      here.live?.changed('hospitals');
    options.progress(step);
  };
  const store = measuredStore(options.store ?? (await openStore(options)), {
    appended: (seconds, runId) => {
      metrics.appended(seconds);
      here.live?.changed('run', runId);
      here.live?.changed('runs');
      here.live?.changed('activity');
    },
    failed: metrics.failed,
  });
  // What ends before the coordinator is open must not keep the store.
  const close = async (error: unknown, leadership?: Leadership): Promise<never> => {
    await leadership?.giveUp();
    await store.close();
    throw error;
  };
  const standing = { leads: true, closing: false };
  let lost!: (why: StoreError) => void;
  const deposed = new Promise<StoreError>((resolve) => {
    lost = (why) => {
      standing.leads = false;
      resolve(why);
    };
  });
  const leadership = await lead(store, options, progress, (why) => {
    lost(why);
  }).catch((error: unknown) => close(error));
  progress({ event: 'leading' });

  const lease = () => leadership.lease;
  const uploads = new Uploads(store, lease);
  const begin = (config: RunConfig): Promise<Conductor> => office.begin(config, () => desk.present());
  const register = new RunRegister({
    ...{ identity: home.identity, store, begin },
    runs: () => here.office?.runs ?? [],
    failureOf: (runId) => here.office?.failureOf(runId),
  });
  const snapshots = new Snapshots({
    ...{ directory: home.directory, policy: options.snapshots ?? 'all', store, lease },
    history: (runId) => register.history(runId),
  });
  const ports: ConductorPorts = {
    ...{ identity: home.identity, store, lease, clock: systemClock, log },
    makeRoundKey: options.makeRoundKey ?? generateRoundKey,
    push: ({ config }, statement) => {
      here.gateway?.push(
        config.body.roster.map(({ hospitalId }) => hospitalId),
        statement,
      );
    },
    keepModel: (config, round, model) => snapshots.keep(config, round, model),
    progress: (step) => {
      progress(step);
      uploads.note(step);
      if (step.event === 'ended') snapshots.ended(step.run);
    },
    deposed: (why) => {
      if (!standing.closing) lost(why);
    },
  };
  // Read when this process leads: whoever led before may have changed it.
  const membership = await Membership.open(home).catch((error: unknown) => close(error, leadership));
  const admission = new Admission(membership, toHex(home.identity.publicKey));
  // Runs that are taken up work at once: everything that they call is there by now.
  const office = await Office.open(ports).catch((error: unknown) => close(error, leadership));
  const desk = new Desk({
    ...{ identity: home.identity, office, uploads, log, progress },
    admission,
    keyOf: (hospitalId) => admission.keyOf(hospitalId),
  });
  Object.assign(here, { office, desk, membership });
  for (const { config } of office.runs) {
    snapshots.catchUp(config.body).catch((error: unknown) => {
      log.error({ err: error, run: config.body.runId }, 'a snapshot that a crash has cut off could not be written');
    });
  }
  const closing = new AbortController();
  const vectors = new VectorWindow({ store, lease, log, days: options.keepVectorsDays ?? VECTOR_DAYS });
  const sweeping = vectors.watch(closing.signal);
  const stopWatching = watchMembership(membership, {
    desk,
    log,
    changed: () => here.live?.changed('hospitals'),
  });
  const refused = metrics.apiRefused.bind(metrics);
  const { accounts, activity, sessions, tokens } = await openOperators(home.directory).catch((error: unknown) =>
    close(error, leadership),
  );
  const site = new Site(options.publicUrl);
  const callers = new Callers(token, { accounts, sessions, tokens });
  const live = new Live({ callers, sessions, site });
  activity.onRecord(() => {
    live.changed('activity');
  });
  const address = { url: '' };
  const elsewhere =
    options.oidc && new Elsewhere(options.oidc, () => `${site.url(address.url)}/api/v1/session/oidc/callback`);
  const app = await createApplication({
    ...{ desk, home, hospitals, log, metrics, refused, register },
    strangers: new Strangers(options.publicUrl !== undefined),
    health: new Health(store, () => standing.leads && !standing.closing),
    membership: new MembershipDeeds(membership, () => site.url(address.url)),
    door: doorOf({ callerOf: (request) => callers.of(request), open: OPEN_ROUTES, log, refused }),
    activity: new Activity({ store, actions: () => activity.entries }),
    guard: new OperatorGuard({ callers, site, activity }),
    operators: new Operators({
      accounts,
      tokens,
      sessions,
      changed: () => {
        live.changed('operators');
      },
    }),
    signIns: new SignIns({ accounts, sessions, activity, site, elsewhere }),
  });
  await app.listen(options.port, options.host).catch(async (error: unknown) => {
    office.park();
    closing.abort();
    await sweeping;
    return close(portError(error, options.host, options.port), leadership);
  });
  // Before this line nobody is connected who could miss a push.
  here.gateway = app.get(HospitalGateway);
  live.open(here.gateway.server);
  here.live = live;
  const url = urlOf(options.host, (app.getHttpServer().address() as AddressInfo).port);
  address.url = url;
  progress({ event: 'listening', url });
  void deposed.then(() => {
    progress({ event: 'deposed' });
  });
  return {
    ...{ url, office, deposed, begin },
    // In the fragment: no request line, no log and no Referer has it.
    setUpUrl: async () =>
      accounts.areNone ? `${site.url(url)}/#setup=${(await accounts.setUpLink()).token}` : undefined,
    emptied: () => desk.empty(END_GRACE_MS, RETURN_GRACE_MS),
    close: async () => {
      standing.closing = true;
      stopWatching();
      closing.abort();
      office.park();
      live.close();
      await app.close();
      await activity.close();
      // Refusals that were still being kept: nothing is written after this.
      await membership.refresh();
      await sweeping;
      await snapshots.close();
      await leadership.giveUp();
      await store.close();
    },
  };
}

/** Waits for the lead, and answers a monitor meanwhile. */
async function lead(
  store: RunStore,
  { home, host, port, signal }: CoordinatorOptions,
  progress: (step: Progress) => void,
  lost: (why: StoreError) => void,
): Promise<Leadership> {
  const given = new AbortController();
  let standby: Promise<() => Promise<void>> | undefined;
  try {
    return await Leadership.gain({
      ...{ store, clock: systemClock, lost },
      holder: await holderOf(home),
      waiting: () => {
        progress({ event: 'waiting-to-lead' });
        standby = answerAsStandby(host, port);
        standby.catch((error: unknown) => {
          given.abort(error);
        });
      },
      signal: signal === undefined ? given.signal : AbortSignal.any([signal, given.signal]),
    });
  } finally {
    await (
      await standby?.catch(() => undefined)
    )?.();
  }
}

async function openStore({ home, databaseUrl }: CoordinatorOptions): Promise<RunStore> {
  return databaseUrl === undefined ? openEmbeddedStore(join(home.directory, 'store')) : openPostgresStore(databaseUrl);
}

/** The same for every process of this folder on this machine: a killed coordinator's lease is its successor's at once. */
async function holderOf({ directory }: Home): Promise<string> {
  const place = `${hostname()}\n${await realpath(directory)}`;
  return createHash('sha256').update(place).digest('hex').slice(0, 32);
}
