/** `npm run demo`: one coordinator and several hospitals as real processes on this machine, from images to a table. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Board } from './board.js';
import { clearFolder, enrolAll, prepareBackbone, writeRunFile } from './consortium.js';
import { DemoError, EXIT_STATUS } from './errors.js';
import { comparePooled, federate } from './federation.js';
import { parseOptions, type DemoOptions } from './options.js';
import { endAll } from './processes.js';
import { demoResult, resultTable } from './result.js';
import { findSites } from './sites.js';

async function demo(options: DemoOptions): Promise<void> {
  const startedMs = performance.now();
  const board = new Board(options.format === 'json' ? process.stderr : process.stdout);
  await clearFolder(options.out);
  const sites = await findSites(options);
  board.hospitals(sites.sites.map(({ id }) => id));
  board.note(
    options.data === undefined
      ? `drawing synthetic chest X-rays for ${sites.sites.length} hospitals; making keys, exchanging cards and enrolments`
      : `${sites.sites.length} sites in ${options.data}; making keys, exchanging cards and enrolments`,
  );
  const [backbone] = await Promise.all([prepareBackbone(options), enrolAll(options, sites), sites.ready]);
  const runFile = await writeRunFile(options, sites, backbone);
  const federation = await federate(options, sites, runFile, backbone.file, board);
  const hospitals = [...federation.summaries.keys()];
  board.note('comparing with a model trained on all data in one place');
  const pooled = await comparePooled(options.out, hospitals);
  board.close();
  const result = demoResult(federation, pooled, (performance.now() - startedMs) / 1_000);
  const file = join(options.out, 'result.json');
  await writeFile(file, `${JSON.stringify(result, null, 2)}\n`);
  const text = options.format === 'json' ? process.stderr : process.stdout;
  text.write(`${resultTable(result)}\nresult ${file}\n`);
  if (options.format === 'json') process.stdout.write(`${JSON.stringify(result)}\n`);
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    void endAll().then(() => process.exit(EXIT_STATUS.INTERRUPTED));
  });
}

try {
  await demo(parseOptions(process.argv.slice(2)));
} catch (error) {
  await endAll();
  if (!(error instanceof DemoError)) throw error;
  process.stderr.write(`${error.code}: ${error.message}\n`);
  process.exitCode = error.status;
}
