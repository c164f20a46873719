/** The activity, over HTTP; for auditors, operators and owners. */
import { Controller, Get, Inject, Query, StreamableFile } from '@nestjs/common';
import { Readable } from 'node:stream';
import { activityExportQuery, activityQuery, type ActivityEntry, type ActivityPage } from '@consilium/operator-api';
import { Needs } from '../operators/needs.js';
import { Activity } from './activity.js';
import { csvLine } from './csv.js';
import { parseQuery } from './parse.js';

const COLUMNS = [
  'at',
  'kind',
  'by',
  'name',
  'role',
  'what',
  'outcome',
  'code',
  'run',
  'seq',
  'hospital',
  'operator',
  'detail',
];

@Controller('api/v1/activity')
export class ActivityController {
  constructor(@Inject(Activity) private readonly activity: Activity) {}

  @Get()
  @Needs('audit')
  page(@Query() query: unknown): Promise<ActivityPage> {
    return this.activity.page(parseQuery(activityQuery, query));
  }

  @Get('export')
  @Needs('audit', { action: 'activity.export' })
  export(@Query() query: unknown): StreamableFile {
    const { format, ...filter } = parseQuery(activityExportQuery, query);
    const lines = format === 'csv' ? csv(this.activity.all(filter)) : jsonLines(this.activity.all(filter));
    return new StreamableFile(Readable.from(lines), {
      type: format === 'csv' ? 'text/csv; charset=utf-8' : 'application/x-ndjson; charset=utf-8',
      disposition: `attachment; filename="activity.${format}"`,
    });
  }
}

async function* jsonLines(entries: AsyncIterable<ActivityEntry>): AsyncGenerator<string> {
  for await (const entry of entries) yield `${JSON.stringify(entry)}\n`;
}

async function* csv(entries: AsyncIterable<ActivityEntry>): AsyncGenerator<string> {
  yield csvLine(COLUMNS);
  for await (const entry of entries) {
    const { at, kind, run, hospital, detail } = entry;
    const told = JSON.stringify(detail);
    yield csvLine(
      entry.kind === 'action'
        ? [
            at,
            kind,
            entry.by.kind,
            entry.by.name,
            entry.by.role,
            entry.action,
            entry.outcome,
            entry.code,
            run,
            null,
            hospital,
            entry.operator,
            told,
          ]
        : [at, kind, null, null, null, entry.type, null, null, run, entry.seq, hospital, null, told],
    );
  }
}
