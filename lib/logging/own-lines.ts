import { nestWrites } from './install-nest-logger.js';
import { loggingState } from './logging-state.js';

const NEST_LEVELS = { info: 'log', warn: 'warn', error: 'error' } as const;

/** Levels of the lines that the library writes by itself. */
export type OwnLineLevel = keyof typeof NEST_LEVELS;

/**
 * Runs `write`, which writes a line that the application did not ask for: a request line, a warning,
 * the address of the dashboard. Where NestJS's logger is silent for that level (`logger: false`,
 * `logger: ['error']`, `useLogger(false)`, `@nestjs/testing`), the line does not go to standard
 * output; it still becomes a log record. A destination that the user chose gets every line.
 */
export function writeOwnLine(level: OwnLineLevel, write: () => void): void {
  const { root } = loggingState();
  if (root?.writesToStdout !== true || nestWrites(NEST_LEVELS[level])) write();
  else root.withoutOutput(write);
}
