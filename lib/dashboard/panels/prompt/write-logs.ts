import { type LogAnswer } from '../../reader/answers/logs.interface.js';
import { LOG_LEVELS } from '../../reader/telemetry-reader.interface.js';
import { cutText, isoOf } from './markdown.js';

const MAX_MESSAGE = 300;
const MAX_FIELDS = 200;
/** The stack is in its own section. */
const LEFT_OUT = /^exception\.(?:stacktrace|message)$/;

/**
 * Log lines in the order in which they were written, of at most about `maxLength` characters together: where not all fit, warnings and
 * errors, and the last ones.
 */
export function writeLogs(logs: readonly LogAnswer[], maxLength: number): readonly string[] {
  const levels: Readonly<Record<string, number>> = LOG_LEVELS;
  const isGrave = ({ level }: LogAnswer): boolean => (levels[level] ?? 0) >= LOG_LEVELS.warn;
  const byUse = [...logs.filter(isGrave).toReversed(), ...logs.filter((log) => !isGrave(log)).toReversed()];
  const kept = new Map<LogAnswer, string>();
  let length = 0;
  for (const log of byUse) {
    const line = writeLog(log);
    length += line.length;
    if (length > maxLength) break;
    kept.set(log, line);
  }
  const lines = logs.flatMap((log) => kept.get(log) ?? []);
  const left = logs.length - lines.length;
  return left === 0 ? lines : [`… ${left} more lines`, ...lines];
}

function writeLog({ time, level, service, context, message, attributes }: LogAnswer): string {
  const fields = Object.entries(attributes).filter(([name]) => !LEFT_OUT.test(name));
  const parts = [
    isoOf(time) ?? '',
    level.toUpperCase(),
    service,
    ...(context === undefined ? [] : [`[${context}]`]),
    cutText(message.replace(/\s+/g, ' '), MAX_MESSAGE),
    ...(fields.length === 0 ? [] : [cutText(JSON.stringify(Object.fromEntries(fields)), MAX_FIELDS)]),
  ];
  return parts.join(' ');
}
