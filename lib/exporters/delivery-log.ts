import { warn, warnOnce } from '../errors/warnings.js';

/** Time without failures that means recovery; doubled when failures soon follow. */
const QUIET_MS = 1_000;
/** Items are dropped one by one: the first line waits this long, to contain their number. */
const COLLECT_MS = 500;
/** Bounds the account: receivers put anything into their messages. */
const MAX_REASONS = 5;

/** Names a destination in log lines. */
interface DeliverySubject {
  /** Code of the warnings. */
  readonly key: string;
  /** For example `traces`. */
  readonly signal: string;
  /** The unit that is counted, in the plural: `spans`. */
  readonly items: string;
  /** For example `http://localhost:4318/v1/traces (OTLP http/protobuf)`. */
  readonly destination: string;
}

/** Why items were lost or delayed, and what to do about it. */
export interface Trouble {
  /** Without a full stop. */
  readonly reason: string;
  readonly remedy: string;
}

/** The failures since a destination last worked. */
interface Episode {
  /** Its start, in milliseconds since the epoch and of the monotonic clock. */
  readonly since: number;
  readonly began: number;
  readonly lost: Map<string, number>;
  latest: Trouble;
  /** Why items were last lost; later retries do not replace it. */
  latestLoss: Trouble | undefined;
  lastTroubleAt: number;
  lastLineAt: number;
  /** Number of lost items in the last line. */
  loggedLost: number;
}

/**
 * Logs the state of a destination: one line when it starts to fail, one when telemetry is first
 * lost, at most one a minute with the running count after that, and one with the total when it
 * works again.
 */
export class DeliveryLog {
  private episode: Episode | undefined;
  private quietMs = QUIET_MS;
  private recoveredAt = -Infinity;
  private workedAt = -Infinity;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly subject: DeliverySubject,
    private readonly intervalMs = WARNING_INTERVAL_MS,
  ) {}

  /** A request failed and will be retried. */
  delayed(trouble: Trouble): void {
    const episode = this.recordFailure(trouble);
    if (episode.lastLineAt === -Infinity || this.isDue(episode)) this.logFailure(episode);
  }

  /** `count` items are lost for good. */
  lost(count: number, trouble: Trouble): void {
    const episode = this.recordFailure(trouble);
    episode.latestLoss = trouble;
    const known = episode.lost.has(trouble.reason) || episode.lost.size < MAX_REASONS;
    const reason = known ? trouble.reason : 'other reasons';
    episode.lost.set(reason, (episode.lost.get(reason) ?? 0) + count);
    if (episode.loggedLost > 0) {
      if (this.isDue(episode)) this.logFailure(episode);
      return;
    }
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.logFailure(episode);
      if (this.workedAt > episode.lastTroubleAt) this.worked();
    }, COLLECT_MS).unref();
  }

  /** The destination accepted a request, with a warning. */
  advised(message: string): void {
    const { key, signal, destination } = this.subject;
    warnOnce(
      `${key}:advice`,
      `${signal} were accepted by ${destination}, which warns: ${message}`,
      this.intervalMs,
    );
    this.worked();
  }

  /** A request was accepted completely. */
  worked(): void {
    if (this.episode === undefined) return;
    this.workedAt = performance.now();
    this.timer ??= setTimeout(this.checkRecovery, this.quietMs).unref();
  }

  /** Logs losses that were not logged yet. */
  close(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const { episode } = this;
    if (episode !== undefined && totalOf(episode) > episode.loggedLost) this.logFailure(episode);
  }

  private recordFailure(trouble: Trouble): Episode {
    const now = performance.now();
    if (this.episode !== undefined)
      return Object.assign(this.episode, { latest: trouble, lastTroubleAt: now });
    const again = now - this.recoveredAt < this.intervalMs;
    this.quietMs = again ? Math.min(this.quietMs * 2, this.intervalMs) : QUIET_MS;
    return (this.episode = {
      since: Date.now(),
      began: now,
      lost: new Map(),
      latest: trouble,
      latestLoss: undefined,
      lastTroubleAt: now,
      lastLineAt: -Infinity,
      loggedLost: 0,
    });
  }

  private isDue({ lastLineAt }: Episode): boolean {
    return performance.now() - lastLineAt >= this.intervalMs;
  }

  private logFailure(episode: Episode): void {
    const { key, signal, items, destination } = this.subject;
    const { reason, remedy } = episode.latestLoss ?? episode.latest;
    const total = totalOf(episode);
    episode.lastLineAt = performance.now();
    episode.loggedLost = total;
    const loss =
      total === 0
        ? 'Nothing is lost so far: the waiting requests are retried'
        : `Lost since ${new Date(episode.since).toISOString()}: ${countOf(total, items)}${breakdownOf(episode)}`;
    warn(key, `${signal} could not be sent to ${destination}: ${reason}. ${remedy} ${loss}.`);
  }

  private readonly checkRecovery = (): void => {
    this.timer = undefined;
    const { episode } = this;
    if (episode === undefined) return;
    if (episode.loggedLost === 0 && totalOf(episode) > 0) this.logFailure(episode);
    const now = performance.now();
    // A failure after the success: the next success checks again.
    if (this.workedAt < episode.lastTroubleAt || now - episode.lastTroubleAt < this.quietMs) return;
    this.episode = undefined;
    this.recoveredAt = now;
    const { key, signal, items, destination } = this.subject;
    const total = totalOf(episode);
    const loss =
      total === 0 ? 'nothing was lost' : `lost meanwhile: ${countOf(total, items)}${breakdownOf(episode)}`;
    const seconds = ((now - episode.began) / 1_000).toFixed(1);
    warn(key, `${signal} are sent to ${destination} again, after ${seconds} s; ${loss}.`);
  };
}

function totalOf({ lost }: Episode): number {
  let total = 0;
  for (const count of lost.values()) total += count;
  return total;
}

function countOf(count: number, items: string): string {
  return `${count.toLocaleString('en-US')} ${count === 1 ? items.replace(/s$/, '') : items}`;
}

/** The number for each reason, if there is more than one. */
function breakdownOf({ lost }: Episode): string {
  if (lost.size < 2) return '';
  const parts = [...lost].map(([reason, count]) => `${count.toLocaleString('en-US')}: ${reason}`);
  return ` (${parts.join('; ')})`;
}

/** Milliseconds between two lines about a failure that lasts. */
export const WARNING_INTERVAL_MS = 60_000;
