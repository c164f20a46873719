/** `npm run demo`: one coordinator and several hospitals as real processes on this machine, from images to a table. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Board } from './board.js';
import { clearFolder, joinAll, prepareBackbone, writeRunFile } from './consortium.js';
import { DemoError, EXIT_STATUS } from './errors.js';
import { comparePooled, federate, type Federation } from './federation.js';
import { openOffice, type Office } from './office.js';
import { parseOptions, requireEnough, type DemoOptions } from './options.js';
import { endAll } from './processes.js';
import { demoResult, resultTable } from './result.js';
import { drawSites, readSites, type Sites } from './sites.js';
import type { Pooled } from './steps.js';

async function demo(options: DemoOptions): Promise<void> {
  const startedMs = performance.now();
  const board = new Board(options.format === 'json' ? process.stderr : process.stdout);
  try {
    const { federation, pooled } = await show(options, board);
    board.close();
    const result = demoResult(federation, pooled, (performance.now() - startedMs) / 1_000);
    const file = join(options.out, 'result.json');
    await writeFile(file, `${JSON.stringify(result, null, 2)}\n`);
    const text = options.format === 'json' ? process.stderr : process.stdout;
    text.write(`${resultTable(result)}\nresult ${file}\n`);
    if (options.format === 'json') process.stdout.write(`${JSON.stringify(result)}\n`);
    if (options.keep) {
      text.write('The links above stay up until Ctrl-C.\n');
      await new Promise(() => undefined);
    }
  } finally {
    board.close();
  }
}

async function show(options: DemoOptions, board: Board): Promise<{ federation: Federation; pooled: Pooled }> {
  // Read before anything is cleared: what an earlier demonstration left is not lost to a mistyped folder.
  const found = options.data === undefined ? undefined : await readSites(options.data, options);
  if (found !== undefined) requireEnough(options.mode, found.sites.length);
  await clearFolder(options.out);
  const sites =
    found ??
    drawSites(options, (id) => {
      board.stage(id, 'X-rays drawn');
    });
  const ids = sites.sites.map(({ id }) => id);
  board.hospitals(ids, found === undefined ? 'drawing X-rays' : 'starting');
  board.note(
    found === undefined
      ? `drawing synthetic X-rays for ${ids.length} hospitals, which join by invitation`
      : `${ids.length} sites in ${String(options.data)}, which join by invitation`,
  );
  const [backbone, office] = await Promise.all([prepareBackbone(options), convene(options, sites, board), sites.ready]);
  const runFile = await writeRunFile(options, sites, backbone);
  const federation = await federate(options, sites, office, runFile, backbone.file, board);
  board.note('comparing with a model trained on all data in one place');
  return { federation, pooled: await comparePooled(options.out, [...federation.summaries.keys()]) };
}

async function convene(options: DemoOptions, sites: Sites, board: Board): Promise<Office> {
  const office = await openOffice(options, board);
  board.note(`keys are made and the roster is compared: ${await joinAll(options, sites)}`);
  return office;
}

let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    // Asked twice: at once. What still lives is killed when this process exits.
    if (interrupted) process.exit(EXIT_STATUS.INTERRUPTED);
    interrupted = true;
    void endAll().then(() => {
      process.stderr.write('INTERRUPTED: every process of the demonstration was ended; what it wrote so far is kept\n');
      process.exit(EXIT_STATUS.INTERRUPTED);
    });
  });
}

try {
  await demo(parseOptions(process.argv.slice(2)));
} catch (error) {
  await endAll();
  if (!(error instanceof DemoError)) throw error;
  process.stderr.write(`${error.line}\n`);
  process.exitCode = error.status;
}
