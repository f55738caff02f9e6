import { usesColours } from '../logging/text-lines.js';
import { pageToken } from './page-token.js';
import { readOptions, readUrl } from './read-options.js';
import { followPage } from './tail/follow-page.js';
import { createRenderer, LEVELS } from './tail/render-item.js';
import { untilStopped } from './until-stopped.js';
import { UsageError } from './usage-error.js';

const COMMAND = 'tail';

const HELP = `Usage: nestjs-telemetry tail [options]

Prints the log lines and the failed traces of applications as they come, from the page that shows them, until it is stopped.

Options:
  --page <url>      the page, default http://localhost:3000/telemetry
  --token <text>    its token, default TELEMETRY_DASHBOARD_TOKEN, else the one beside the store of this folder
  --level <name>    lowest level of log lines: ${LEVELS.join(', ')}; default info
  --service <name>  one service, default all that the page shows
  --json            prints each item as a line of JSON
  --help            prints this
`;

const OPTIONS = {
  page: { type: 'string' },
  token: { type: 'string' },
  level: { type: 'string' },
  service: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

/**
 * Prints until SIGINT or SIGTERM. Returns the exit code.
 *
 * @throws UsageError for options that are wrong, Error where the page refuses
 */
export async function runTail(args: readonly string[]): Promise<number> {
  const {
    page = 'http://localhost:3000/telemetry',
    token,
    level = 'info',
    service,
    json,
    help,
  } = readOptions(args, OPTIONS, COMMAND);
  if (help === true) {
    process.stdout.write(HELP);
    return 0;
  }
  if (!LEVELS.some((each) => each === level))
    throw new UsageError(`--level must be one of ${LEVELS.join(', ')}, not "${level}".`, COMMAND);
  const colours = usesColours(process.env, process.stdout.isTTY);
  const render = createRenderer({ level, service, colours });
  const ending = new AbortController();
  void untilStopped().then(() => {
    ending.abort();
  });
  // A pipe into a program that has ended, such as head.
  process.stdout.on('error', () => {
    ending.abort();
  });
  let lost = '';
  await followPage({
    page: readUrl(page, '--page', COMMAND),
    token: () => pageToken(token, process.cwd()),
    signal: ending.signal,
    onItem: (item) => {
      const line = render(item);
      if (line !== undefined) process.stdout.write(`${json === true ? JSON.stringify(item) : line}\n`);
    },
    onOpen: () => {
      process.stderr.write(`Following ${page}\n`);
      lost = '';
    },
    onLost: (reason) => {
      if (reason !== lost) process.stderr.write(`Waiting for ${page}: ${reason}\n`);
      lost = reason;
    },
  });
  return 0;
}
