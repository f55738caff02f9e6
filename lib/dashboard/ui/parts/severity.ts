const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;

export const levels: readonly string[] = LEVELS;

/** How bad a level is; what is not known counts as info. */
export function severityOf(level: string): number {
  const index = levels.indexOf(level);
  return index < 0 ? 2 : index;
}

/** A class for the colour of a level, whatever an application calls its levels. */
export const levelClass = (level: string): string => `level-${LEVELS[severityOf(level)] ?? 'info'}`;
