/** `config`: whether a run file would be accepted, and what it comes to. */
import { Option, type Command } from 'commander';
import { enrolledHospitals, reopenHome } from '../home.js';
import { parseRunFile, readRunText, runConfig } from '../run-file.js';
import { explainRunFile } from './explain.js';
import { formatOption, homeOption, say, type Format } from './output.js';

export function addConfigCommands(program: Command): void {
  const config = program.command('config').description('check and explain run files');

  config
    .command('validate')
    .description('check a run file, and that its hospitals are enrolled')
    .argument('<run-file>')
    .addOption(homeOption())
    .addOption(formatOption())
    .action(async (file: string, options: { home: string } & Format) => {
      const parsed = parseRunFile(await readRunText(file), 'yaml', file);
      const { runId, roster, parameters } = runConfig(parsed, await enrolledHospitals(await reopenHome(options.home)));
      const hospitals = roster.map(({ hospitalId }) => hospitalId);
      const line = `${file} is valid: run ${runId}, ${parameters} parameters, hospitals ${hospitals.join(', ')}`;
      say(options, { valid: true, run: runId, parameters, hospitals }, line);
    });

  config
    .command('explain')
    .description('every effective value, where it came from, and what it means')
    .argument('<run-file>')
    // Accepted everywhere, so that a script need not know which command reads the home.
    .addOption(new Option('--home <folder>').hideHelp())
    .addOption(formatOption())
    .action(async (file: string, options: Format) => {
      for (const explained of explainRunFile(await readRunText(file), file)) {
        const { field, value, from, means } = explained;
        const shown = value === undefined ? '(none)' : JSON.stringify(value);
        say(options, { ...explained, value: value ?? null }, `${field}: ${shown}  [${from}]\n    ${means}`);
      }
    });
}
