import { type LogLine } from '../probe-records.js';
import { checkArgument, EXPECTED_LINE, isText, readProbe } from './check-arguments.js';
import { type Difference, matches, show, showDifferences } from './compare-values.js';
import { type MatcherResult } from './matcher-result.js';
import { nearestOf } from './nearest.js';

const MAX_SHOWN = 30;

/** pino's numbers. */
const LEVELS: Readonly<Record<string, number>> = {
  trace: 10,
  debug: 20,
  info: 30,
  warn: 40,
  error: 50,
  fatal: 60,
};
/** What differs from run to run, or is the same in each line. */
const NOISE = new Set([
  'level',
  'msg',
  'time',
  'pid',
  'hostname',
  'service',
  'trace_id',
  'span_id',
  'trace_flags',
]);

/** Passes when the probe has such a line: its message, or some of its fields. */
export function toHaveLogged(
  received: unknown,
  expected: string | RegExp | Readonly<Record<string, unknown>>,
): MatcherResult {
  const records = readProbe('toHaveLogged', received);
  const wanted = isText(expected) ? { msg: expected } : expected;
  checkArgument('toHaveLogged', 'line', wanted, EXPECTED_LINE);
  const lines = records.lines();
  const found = lines.filter((line) => differencesOf(line, wanted).length === 0);
  const pass = found.length > 0;
  return {
    pass,
    message: () =>
      pass
        ? `expect(probe).not.toHaveLogged(${show(wanted)})\n\nLogged, and not expected:\n${found.map(describeLine).join('\n')}`
        : `expect(probe).toHaveLogged(${show(wanted)})\n\n${explainAbsence(lines, wanted)}`,
  };
}

function differencesOf(line: LogLine, wanted: Readonly<Record<string, unknown>>): Difference[] {
  return Object.entries(wanted)
    .filter(([key, value]) => !matchesField(line, key, value))
    .map(([key, value]) => ({
      what: key,
      expected: value,
      received: key === 'level' ? levelName(line.level) : line[key],
    }));
}

/** A level may be written as its name or as pino's number. */
function matchesField(line: LogLine, key: string, expected: unknown): boolean {
  if (key === 'level' && typeof expected === 'string')
    return levelName(line.level) === expected || line.level === expected;
  return matches(line[key], expected);
}

function levelName(level: unknown): unknown {
  return Object.keys(LEVELS).find((name) => LEVELS[name] === level) ?? level;
}

function explainAbsence(lines: readonly LogLine[], wanted: Readonly<Record<string, unknown>>): string {
  const nearest = nearestOf(
    lines.map((line) => ({ item: line, differences: differencesOf(line, wanted) })),
    'msg',
  );
  if (nearest === undefined) return 'No line was logged.';
  const left = lines.length - MAX_SHOWN;
  const shown = lines.slice(-MAX_SHOWN).map(describeLine);
  return [
    `No line is like that. The nearest one, ${show(nearest.item.msg)}, differs in`,
    showDifferences(nearest.differences),
    '',
    left > 0 ? `The last ${MAX_SHOWN} lines of ${lines.length}:` : 'Logged lines:',
    ...shown,
  ].join('\n');
}

function describeLine(line: LogLine): string {
  const fields = Object.entries(line).filter(([key]) => !NOISE.has(key));
  const rest = fields.length === 0 ? '' : ` ${show(Object.fromEntries(fields))}`;
  return `  ${String(levelName(line.level))} ${show(line.msg)}${rest}`;
}
