#!/usr/bin/env node
import { runClickHouse } from './clickhouse-command.js';
import { runDashboard } from './dashboard-command.js';
import { runDoctor } from './doctor-command.js';
import { runInit } from './init-command.js';
import { runMcp } from './mcp-command.js';
import { runTail } from './tail-command.js';
import { UsageError } from './usage-error.js';

const HELP = `Usage: nestjs-telemetry <command>

Commands:
  dashboard   serves the page as a separate process
  doctor      finds out why telemetry does not arrive
  init        adds telemetry to a project of the Nest CLI
  mcp         serves what is stored to a coding agent, on standard input and output
  tail        prints log lines and failed traces as they come
  clickhouse  prints or applies the SQL of rollups for a ClickHouse

"nestjs-telemetry <command> --help" lists the options of a command.
`;

const COMMANDS = new Map([
  ['dashboard', runDashboard],
  ['doctor', runDoctor],
  ['init', runInit],
  ['mcp', runMcp],
  ['tail', runTail],
  ['clickhouse', runClickHouse],
]);

/** Returns the exit code. */
async function main([command, ...args]: readonly string[]): Promise<number> {
  if (command === undefined || command === 'help' || command === '--help' || command === '-h') {
    process.stdout.write(HELP);
    return command === undefined ? 2 : 0;
  }
  try {
    const run = COMMANDS.get(command);
    if (run === undefined) throw new UsageError(`There is no command "${command}".`, undefined);
    return await run(args);
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

void main(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
