import { type Logger } from 'pino';

import { type Undo } from '../process/undo-all.js';
import { LEVEL_VALUES, type LineLevel } from './log-entry.js';
import { type ChangedLevels, loggingState, type RootLogger } from './logging-state.js';

/** Lines of this context report changes of levels, and are not subject to them. */
export const CONTROL_CONTEXT = 'TelemetryControl';

/** Levels that an override can have. */
export const OVERRIDE_LEVELS = [...Object.keys(LEVEL_VALUES), 'silent'] as readonly string[];

const OF_ALL = Symbol('all contexts');

/**
 * Levels that stand in for the configured one while the process runs, by the `context` of lines. The
 * root logger lets the least severe of them through; each line is then judged by its own context.
 */
class LevelOverrides implements ChangedLevels {
  private readonly levels = new Map<string | typeof OF_ALL, { readonly value: number }>();
  private readonly configured: string;
  private readonly configuredValue: number;
  /** Of the root logger now, and of all children without a level of their own. */
  private loweredValue: number;

  constructor(private readonly root: RootLogger) {
    this.configured = root.logger.level;
    this.configuredValue = root.logger.levelVal;
    this.loweredValue = this.configuredValue;
  }

  /** Whether a line of `logger` is written. */
  allows(logger: Logger, level: number, context: unknown): boolean {
    const override = this.levelOf(context);
    if (override !== undefined) return level >= override;
    const own = logger.levelVal;
    return level >= (own === this.loweredValue ? this.configuredValue : own);
  }

  /** pino's number; undefined where the configured level holds. */
  levelOf(context: unknown): number | undefined {
    if (context === CONTROL_CONTEXT) return undefined;
    const own = typeof context === 'string' ? this.levels.get(context) : undefined;
    return (own ?? this.levels.get(OF_ALL))?.value;
  }

  /** Sets the level of a context, undefined for all, until the undo. */
  set(context: string | undefined, level: string): Undo {
    const key = context ?? OF_ALL;
    const override = { value: level === 'silent' ? Infinity : LEVEL_VALUES[level as LineLevel] };
    this.levels.set(key, override);
    this.lowerRoot();
    return () => {
      // A later change of the same context is in force.
      if (this.levels.get(key) !== override) return;
      this.levels.delete(key);
      this.lowerRoot();
      if (this.levels.size === 0 && loggingState().levels === this) loggingState().levels = undefined;
    };
  }

  private lowerRoot(): void {
    const { logger } = this.root;
    const lowest = Math.min(this.configuredValue, ...[...this.levels.values()].map(({ value }) => value));
    if (lowest === this.loweredValue) return;
    logger.level = lowest === this.configuredValue ? this.configured : labelOf(lowest);
    this.loweredValue = lowest;
  }
}

function labelOf(value: number): string {
  return Object.entries(LEVEL_VALUES).find(([, each]) => each === value)?.[0] ?? 'info';
}

/**
 * Sets the log level of a context, or of all, until the undo; undefined without logging.
 *
 * @param level one of `OVERRIDE_LEVELS`
 */
export function overrideLevel(context: string | undefined, level: string): Undo | undefined {
  const state = loggingState();
  const { root } = state;
  if (root === undefined) return undefined;
  state.levels ??= new LevelOverrides(root);
  return state.levels.set(context, level);
}
