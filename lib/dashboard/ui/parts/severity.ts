const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;

export const levels: readonly string[] = LEVELS;

/** How bad a level is; an unknown one counts as info. */
export function severityOf(level: string): number {
  const index = levels.indexOf(level);
  return index < 0 ? 2 : index;
}

/** A class for the colour of a level, also of one that is not known. */
export const levelClass = (level: string): string => `level-${LEVELS[severityOf(level)] ?? 'info'}`;
