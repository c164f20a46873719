/**
 * The simulation as a program: `main.js --first SEED --seeds N [--verbose]`. Ends with a line `N passed, M failed` and, if any
 * failed, with status 1.
 */
import { parseArgs } from 'node:util';
import { simulate } from './simulate.js';

const { values } = parseArgs({
  options: {
    first: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '500' },
    verbose: { type: 'boolean', default: false },
  },
});

const wholeNumber = (name: string, text: string): number => {
  const number = Number(text);
  if (/^\d{1,9}$/.test(text)) return number;
  process.stderr.write(`--${name} expects a whole number\n`);
  process.exit(2);
};

const first = wholeNumber('first', values.first);
const seeds = wholeNumber('seeds', values.seeds);
let failed = 0;
for (let seed = first; seed < first + seeds; seed++) {
  const { violations, trace, summary } = await simulate(seed);
  if (values.verbose) process.stdout.write(`${trace.join('\n')}\n`);
  if (values.verbose || violations.length > 0) process.stdout.write(`seed ${seed}: ${summary}\n`);
  for (const violation of violations) process.stdout.write(`  ${violation}\n`);
  if (violations.length > 0) failed += 1;
}
process.stdout.write(`${seeds - failed} passed, ${failed} failed\n`);
process.exitCode = failed > 0 ? 1 : 0;
