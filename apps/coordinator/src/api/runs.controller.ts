/** The runs, over HTTP: parse, ask the register, answer. */
import { Body, Controller, Get, Headers, HttpCode, Inject, Param, Post, Query, StreamableFile } from '@nestjs/common';
import { enrolledHospitals, type Home } from '../home.js';
import { snapshotBytes } from '../operations/snapshots.js';
import { parseRunFile, runConfig } from '../run-file.js';
import { CHANGES_NOTHING, CurrentDeed, Needs } from '../operators/needs.js';
import type { PendingDeed } from '../operators/pending-deed.js';
import { askedOf } from './approval.js';
import { parseQuery } from './parse.js';
import { resultsCsv, resultsOf } from './results.js';
import { checkRun } from './run-check.js';

import { RunRegister } from './run-register.js';
import {
  eventsQuery,
  modelQuery,
  type EventPage,
  type RunCheck,
  type RunDetail,
  type RunResults,
  type RunSummary,
} from '@consilium/operator-api';

/** Token of the home folder in this application. */
export const HOME = Symbol('home');

@Controller('api/v1/runs')
export class RunsController {
  constructor(
    @Inject(RunRegister) private readonly register: RunRegister,
    @Inject(HOME) private readonly home: Home,
  ) {}

  @Get()
  @Needs('read')
  list(): Promise<RunSummary[]> {
    return this.register.list();
  }

  @Post()
  @Needs('runs', { action: 'run.begin', byHandler: true })
  async start(
    @CurrentDeed() deed: PendingDeed,
    @Body() body: unknown,
    @Headers('content-type') contentType = '',
  ): Promise<RunDetail> {
    // Without a body there is nothing to parse, and the parser leaves undefined or an empty object.
    const file = parseRunFile(typeof body === 'string' ? body : '', formOf(contentType));
    const config = runConfig(file, await enrolledHospitals(this.home));
    await deed.allow({ run: config.runId, detail: { mode: config.mode, hospitals: config.roster.length } });
    return this.register.start(config);
  }

  @Post('check')
  @HttpCode(200)
  @Needs('read', CHANGES_NOTHING)
  async check(@Body() body: unknown, @Headers('content-type') contentType = ''): Promise<RunCheck> {
    const [enrolled, runs] = await Promise.all([enrolledHospitals(this.home), this.register.list()]);
    const isTaken = (name: string): boolean => runs.some(({ run }) => run === name);
    return checkRun(typeof body === 'string' ? body : '', formOf(contentType), {
      ...{ enrolled, isTaken, asked: askedOf(this.home.identity) },
    });
  }

  @Get(':run')
  @Needs('read')
  show(@Param('run') run: string): Promise<RunDetail> {
    return this.register.show(run);
  }

  @Post(':run/pause')
  @HttpCode(200)
  @Needs('runs', { action: 'run.pause' })
  pause(@Param('run') run: string): Promise<RunDetail> {
    return this.register.decide(run, 'pause');
  }

  @Post(':run/resume')
  @HttpCode(200)
  @Needs('runs', { action: 'run.resume' })
  resume(@Param('run') run: string): Promise<RunDetail> {
    return this.register.decide(run, 'resume');
  }

  @Post(':run/abort')
  @HttpCode(200)
  @Needs('runs', { action: 'run.abort' })
  abort(@Param('run') run: string): Promise<RunDetail> {
    return this.register.decide(run, 'abort');
  }

  @Get(':run/events')
  @Needs('read')
  events(@Param('run') run: string, @Query() query: unknown): Promise<EventPage> {
    return this.register.events(run, parseQuery(eventsQuery, query));
  }

  @Get(':run/results.json')
  @Needs('read', { action: 'run.export' })
  async results(@Param('run') run: string): Promise<RunResults> {
    return resultsOf(await this.register.show(run));
  }

  @Get(':run/results.csv')
  @Needs('read', { action: 'run.export' })
  async table(@Param('run') run: string): Promise<StreamableFile> {
    const results = resultsOf(await this.register.show(run));
    return new StreamableFile(Buffer.from(resultsCsv(results)), {
      type: 'text/csv; charset=utf-8',
      disposition: `attachment; filename="${results.run}.csv"`,
    });
  }

  @Get(':run/model')
  @Needs('read', { action: 'run.download' })
  async model(@Param('run') run: string, @Query() query: unknown): Promise<StreamableFile> {
    const { config, round, model } = await this.register.model(run, parseQuery(modelQuery, query));
    return new StreamableFile(snapshotBytes(config, round, model), {
      type: 'application/octet-stream',
      disposition: `attachment; filename="${config.runId}-round-${round}.safetensors"`,
    });
  }
}

const formOf = (contentType: string): 'json' | 'yaml' => (contentType.startsWith('application/json') ? 'json' : 'yaml');
