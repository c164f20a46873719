/** The runs, over HTTP: parse, ask the register, answer. */
import { Body, Controller, Get, Headers, HttpCode, Inject, Param, Post, Query, StreamableFile } from '@nestjs/common';
import type { z } from 'zod';
import { enrolledHospitals, type Home } from '../home.js';
import { snapshotBytes } from '../operations/snapshots.js';
import { parseRunFile, runConfig } from '../run-file.js';
import { ApiError } from './api-error.js';
import { RunRegister } from './run-register.js';
import { eventsQuery, modelQuery, type EventPage, type RunDetail, type RunSummary } from '@consilium/operator-api';

/** Token of the home folder in this application. */
export const HOME = Symbol('home');

@Controller('api/v1/runs')
export class RunsController {
  constructor(
    @Inject(RunRegister) private readonly register: RunRegister,
    @Inject(HOME) private readonly home: Home,
  ) {}

  @Get()
  list(): Promise<RunSummary[]> {
    return this.register.list();
  }

  @Post()
  async start(@Body() body: unknown, @Headers('content-type') contentType = ''): Promise<RunDetail> {
    const form = contentType.startsWith('application/json') ? 'json' : 'yaml';
    // Without a body there is nothing to parse, and the parser leaves undefined or an empty object.
    const file = parseRunFile(typeof body === 'string' ? body : '', form);
    return this.register.start(runConfig(file, await enrolledHospitals(this.home)));
  }

  @Get(':run')
  show(@Param('run') run: string): Promise<RunDetail> {
    return this.register.show(run);
  }

  @Post(':run/pause')
  @HttpCode(200)
  pause(@Param('run') run: string): Promise<RunDetail> {
    return this.register.decide(run, 'pause');
  }

  @Post(':run/resume')
  @HttpCode(200)
  resume(@Param('run') run: string): Promise<RunDetail> {
    return this.register.decide(run, 'resume');
  }

  @Post(':run/abort')
  @HttpCode(200)
  abort(@Param('run') run: string): Promise<RunDetail> {
    return this.register.decide(run, 'abort');
  }

  @Get(':run/events')
  events(@Param('run') run: string, @Query() query: unknown): Promise<EventPage> {
    return this.register.events(run, parseQuery(eventsQuery, query));
  }

  @Get(':run/model')
  async model(@Param('run') run: string, @Query() query: unknown): Promise<StreamableFile> {
    const { config, round, model } = await this.register.model(run, parseQuery(modelQuery, query));
    return new StreamableFile(snapshotBytes(config, round, model), {
      type: 'application/octet-stream',
      disposition: `attachment; filename="${config.runId}-round-${round}.safetensors"`,
    });
  }
}

/** @throws {@link ApiError} `QUERY_INVALID`, naming the field. */
function parseQuery<T>(schema: z.ZodType<T>, query: unknown): T {
  const parsed = schema.safeParse(query);
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.map(({ path, message }) => ({ field: path.join('.'), message }));
  throw new ApiError('QUERY_INVALID', fields.map(({ field, message }) => `${field}: ${message}`).join('; '), fields);
}
