#!/usr/bin/env node
import { runDashboard } from './dashboard-command.js';
import { UsageError } from './usage-error.js';

const HELP = `Usage: nestjs-telemetry <command>

Commands:
  dashboard   serves the page as a separate process; "nestjs-telemetry dashboard --help" lists its options
`;

/** Returns the exit code. */
async function run([command, ...args]: readonly string[]): Promise<number> {
  if (command === undefined || command === 'help' || command === '--help' || command === '-h') {
    process.stdout.write(HELP);
    return command === undefined ? 2 : 0;
  }
  try {
    if (command !== 'dashboard') throw new UsageError(`There is no command "${command}".`, undefined);
    return await runDashboard(args);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    process.stderr.write(`${message}\n`);
    if (!(error instanceof UsageError)) return 1;
    process.stderr.write(
      `Run "${['nestjs-telemetry', error.command, '--help'].filter(Boolean).join(' ')}" for help.\n`,
    );
    return 2;
  }
}

void run(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
