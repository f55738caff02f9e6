import type { LogVolumeAnswer } from '../../../reader/answers/logs.interface.js';
import { severityOf } from '../../../ui/parts/severity.js';

interface LevelSeries {
  readonly label: string;
  readonly values: readonly number[];
  readonly colour: string;
  readonly fill: boolean;
}

const WARN = severityOf('warn');
const ERROR = severityOf('error');

const GROUPS = [
  { label: 'info and below', colour: '--series-1', has: (severity: number) => severity < WARN },
  { label: 'warn', colour: '--warn', has: (severity: number) => severity === WARN },
  { label: 'error and above', colour: '--error', has: (severity: number) => severity >= ERROR },
] as const;

/** A line of each group of levels: how many log lines each bucket has. */
export function groupLevels({ times, counts }: LogVolumeAnswer): readonly LevelSeries[] {
  return GROUPS.map(({ label, colour, has }) => {
    const lists = Object.entries(counts).flatMap(([level, list]) => (has(severityOf(level)) ? [list] : []));
    const values = times.map((_, index) => lists.reduce((sum, list) => sum + (list[index] ?? 0), 0));
    return { label, values, colour, fill: true };
  });
}
