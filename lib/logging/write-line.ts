import { type Logger } from 'pino';

import { loggingState } from './logging-state.js';

/** pino's numbers of its levels. */
export const LEVEL_VALUES = { trace: 10, debug: 20, info: 30, warn: 40, error: 50, fatal: 60 } as const;

export type LineLevel = keyof typeof LEVEL_VALUES;

/** Writes a line whose level is enabled: past pino where that makes no difference to the line, or through it. */
export function writeLine(
  logger: Logger,
  level: LineLevel,
  fields: Readonly<Record<string, unknown>>,
  message: string,
): void {
  const { root } = loggingState();
  // A child has bindings, and possibly options, of its own.
  const isPlain = root?.logger === logger && root.writePlain(LEVEL_VALUES[level], fields, message);
  if (!isPlain) logger[level](fields, message);
}
