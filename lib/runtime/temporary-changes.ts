import { randomUUID } from 'node:crypto';

import { textOf } from '../engine/copy-bounded.js';
import { TelemetryError } from '../errors/telemetry.error.js';
import { warnOnce } from '../errors/warnings.js';
import { type Undo } from '../process/undo-all.js';

/** What can be changed while the process runs. */
export const CHANGE_KINDS = ['log-level', 'sampling-ratio', 'provider-spans'] as const;
export type ChangeKind = (typeof CHANGE_KINDS)[number];

/** A change of telemetry that ends by itself. */
export interface TemporaryChange {
  /** For `cancel()`. */
  readonly id: string;
  readonly kind: 'log-level' | 'sampling-ratio' | 'provider-spans';
  /** The `context` of the log lines, or the class of the provider; undefined for all of them. */
  readonly target: string | undefined;
  /** The log level or the ratio; undefined where the kind needs none. */
  readonly value: string | number | undefined;
  /** Who made it: an address for the dashboard. */
  readonly by: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** Milliseconds since the epoch. */
  readonly endsAt: number;
}

/** What is to be changed; `minutes` has the default of `MINUTES`. */
export interface ChangeRequest extends Pick<TemporaryChange, 'kind' | 'by'> {
  readonly target?: string | undefined;
  readonly value?: string | number | undefined;
  readonly minutes?: number | undefined;
}

/** How long a change lasts. */
export const MINUTES = { default: 15, max: 1_440 } as const;
const MAX_CHANGES = 20;
const MAX_TEXT = 200;

/**
 * Makes a change and returns its undo.
 *
 * @throws TelemetryError from `refuseChange()` where the change cannot be made
 */
export type Lever = (target: string | undefined, value: string | number | undefined) => Undo;

export type ChangeEvent = 'begins' | 'ends by itself' | 'is cancelled' | 'ends with telemetry';

/** Called before a change begins and after it ended; `by` made or cancelled it. */
export type ChangeListener = (event: ChangeEvent, change: TemporaryChange, by: string) => void;

/** The error of a change that cannot be made. */
export function refuseChange(reason: string): TelemetryError {
  return new TelemetryError('TELEMETRY_CHANGE_REFUSED', reason);
}

interface ActiveChange {
  readonly change: TemporaryChange;
  readonly timer: NodeJS.Timeout;
  readonly undo: Undo;
}

/** The changes that are made to the telemetry of a process while it runs, each until its end. */
export class TemporaryChanges {
  private readonly levers = new Map<ChangeKind, Lever>();
  private readonly active = new Map<string, ActiveChange>();
  private listener: ChangeListener | undefined;

  /** Classes whose calls `provider-spans` can record. */
  providers: () => readonly string[] = () => [];

  /** Connects what makes the changes, and what logs them. */
  connect(
    levers: Readonly<Record<ChangeKind, Lever>>,
    listener: ChangeListener,
    providers: () => readonly string[],
  ): void {
    for (const kind of CHANGE_KINDS) this.levers.set(kind, levers[kind]);
    this.listener = listener;
    this.providers = providers;
  }

  /** The first to end comes first. */
  list(): readonly TemporaryChange[] {
    return [...this.active.values()].map(({ change }) => change).sort((a, b) => a.endsAt - b.endsAt);
  }

  /**
   * Makes a change. One of the same kind and target is replaced.
   *
   * @throws TelemetryError `TELEMETRY_CHANGE_REFUSED` with the reason
   */
  begin({ kind, target, value, minutes = MINUTES.default, by }: ChangeRequest): TemporaryChange {
    const lever = this.levers.get(kind);
    if (lever === undefined) throw refuseChange('Telemetry does not run in this process.');
    if (typeof minutes !== 'number' || !(minutes > 0 && minutes <= MINUTES.max))
      throw refuseChange(`minutes must be a number above 0 and at most ${MINUTES.max}.`);
    if (target !== undefined && (typeof target !== 'string' || target === '' || target.length > MAX_TEXT))
      throw refuseChange(`The target must be a text of at most ${MAX_TEXT} characters.`);
    const former = this.find(kind, target);
    if (former === undefined && this.active.size >= MAX_CHANGES)
      throw refuseChange(`${MAX_CHANGES} changes are active, which is the limit. Cancel one of them.`);
    const startedAt = Date.now();
    const change: TemporaryChange = Object.freeze({
      id: randomUUID(),
      kind,
      target,
      value,
      by: textOf(by, MAX_TEXT),
      startedAt,
      endsAt: startedAt + Math.round(minutes * 60_000),
    });
    // The new one first: where it is refused the former one stays.
    const undo = lever(target, value);
    if (former !== undefined) this.remove(former);
    this.report('begins', change, change.by);
    const timer = setTimeout(() => {
      this.end(change.id, 'ends by itself', change.by);
    }, minutes * 60_000).unref();
    this.active.set(change.id, { change, timer, undo });
    return change;
  }

  /** Ends a change now; false where none has this id. */
  cancel(id: string, by: string): boolean {
    return this.end(id, 'is cancelled', textOf(by, MAX_TEXT));
  }

  /** Ends all changes and takes no more. */
  close(): void {
    this.levers.clear();
    for (const [id, { change }] of this.active) this.end(id, 'ends with telemetry', change.by);
  }

  private find(kind: ChangeKind, target: string | undefined): ActiveChange | undefined {
    return [...this.active.values()].find(({ change }) => change.kind === kind && change.target === target);
  }

  private end(id: string, event: ChangeEvent, by: string): boolean {
    const active = this.active.get(id);
    if (active === undefined) return false;
    this.remove(active);
    this.report(event, active.change, by);
    return true;
  }

  private remove({ change, timer, undo }: ActiveChange): void {
    clearTimeout(timer);
    this.active.delete(change.id);
    try {
      undo();
    } catch (error) {
      warnOnce('control:undo', `A temporary change could not be undone: ${String(error)}`);
    }
  }

  private report(event: ChangeEvent, change: TemporaryChange, by: string): void {
    try {
      this.listener?.(event, change, by);
    } catch (error) {
      warnOnce('control:audit', `A temporary change could not be logged: ${String(error)}`);
    }
  }
}
