/** Whether this process lives, whether it can do its work, and in figures how it does: for a monitor, not for people. */
import { Controller, Get, Header, Inject, Res } from '@nestjs/common';
import type { RunStore } from '@consilium/store';
import { ForAnybody, Needs } from '../operators/needs.js';
import { Metrics } from './metrics.js';

/** A store that takes longer is no use to a round either. */
const STORE_ANSWER_MS = 2_000;

export interface Readiness {
  readonly leads: boolean;
  readonly store: 'ok' | 'failed' | 'slow';
}

/** Anybody may ask, so the store is asked once at a time, and for so long its answer holds. */
const ANSWER_HOLDS_MS = 1_000;

export class Health {
  #answer: Promise<'ok' | 'failed'> | undefined;

  constructor(
    private readonly store: Pick<RunStore, 'health'>,
    private readonly leads: () => boolean,
  ) {}

  /** Never rejects. */
  async readiness(): Promise<Readiness> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'slow'>((resolve) => {
      timer = setTimeout(resolve, STORE_ANSWER_MS, 'slow');
    });
    const store = await Promise.race([this.#ask(), late]);
    clearTimeout(timer);
    return { leads: this.leads(), store };
  }

  #ask(): Promise<'ok' | 'failed'> {
    this.#answer ??= this.store
      .health()
      .then(
        () => 'ok' as const,
        () => 'failed' as const,
      )
      .finally(() => {
        setTimeout(() => (this.#answer = undefined), ANSWER_HOLDS_MS).unref();
      });
    return this.#answer;
  }
}

@Controller()
export class HealthController {
  constructor(
    @Inject(Health) private readonly health: Health,
    @Inject(Metrics) private readonly metrics: Metrics,
  ) {}

  @Get('healthz')
  @ForAnybody()
  healthz() {
    return { status: 'ok' };
  }

  @Get('readyz')
  @ForAnybody()
  async readyz(@Res({ passthrough: true }) response: { status(code: number): unknown }): Promise<Readiness> {
    const readiness = await this.health.readiness();
    if (!readiness.leads || readiness.store !== 'ok') response.status(503);
    return readiness;
  }

  /** The content type is that of prom-client's registry. */
  @Get('metrics')
  @Needs('read')
  @Header('content-type', 'text/plain; version=0.0.4; charset=utf-8')
  exposition(): Promise<string> {
    return this.metrics.text();
  }
}
