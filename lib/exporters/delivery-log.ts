import { warn, warnOnce } from '../errors/warnings.js';

/** How long nothing may go wrong before a destination counts as working again; doubled when it fails again soon. */
const QUIET_MS = 1_000;
/** Drops come one by one: the first line about them waits this long, so that it can say how many there are. */
const COLLECT_MS = 500;
/** Receivers may put anything into their messages. */
const MAX_REASONS = 5;

/** How a destination is called in lines about it. */
interface DeliverySubject {
  /** Code of the warnings. */
  readonly key: string;
  /** For example `traces`. */
  readonly signal: string;
  /** What is counted, in the plural: `spans`. */
  readonly items: string;
  /** For example `http://localhost:4318/v1/traces (OTLP http/protobuf)`. */
  readonly destination: string;
}

/** Why something was lost or delayed, and what to do about it. */
export interface Trouble {
  /** Without a full stop. */
  readonly reason: string;
  readonly remedy: string;
}

/** What went wrong since a destination last worked. */
interface Episode {
  /** When it began: milliseconds since the epoch, and of the monotonic clock. */
  readonly since: number;
  readonly began: number;
  readonly lost: Map<string, number>;
  latest: Trouble;
  /** Why something was lost last, which retries after it do not replace. */
  latestLoss: Trouble | undefined;
  lastTroubleAt: number;
  lastLineAt: number;
  /** How many lost items the last line named. */
  saidLost: number;
}

/**
 * Says how a destination fares: one line when it begins to fail, one when telemetry begins to be lost, at most one a minute with the
 * running count while that lasts, and one when it works again, with the total.
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

  /** Something failed and will be tried again. */
  delayed(trouble: Trouble): void {
    const episode = this.note(trouble);
    if (episode.lastLineAt === -Infinity || this.isDue(episode)) this.say(episode);
  }

  /** `count` items are lost for good. */
  lost(count: number, trouble: Trouble): void {
    const episode = this.note(trouble);
    episode.latestLoss = trouble;
    const known = episode.lost.has(trouble.reason) || episode.lost.size < MAX_REASONS;
    const reason = known ? trouble.reason : 'other reasons';
    episode.lost.set(reason, (episode.lost.get(reason) ?? 0) + count);
    if (episode.saidLost > 0) {
      if (this.isDue(episode)) this.say(episode);
      return;
    }
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.say(episode);
      if (this.workedAt > episode.lastTroubleAt) this.worked();
    }, COLLECT_MS).unref();
  }

  /** The destination took everything and sent a warning along. */
  advised(message: string): void {
    const { key, signal, destination } = this.subject;
    warnOnce(
      `${key}:advice`,
      `${signal} were taken by ${destination}, which warns: ${message}`,
      this.intervalMs,
    );
    this.worked();
  }

  /** Something was sent completely. */
  worked(): void {
    if (this.episode === undefined) return;
    this.workedAt = performance.now();
    this.timer ??= setTimeout(this.lookForRecovery, this.quietMs).unref();
  }

  /** Says what was not said yet: nothing follows. */
  close(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const { episode } = this;
    if (episode !== undefined && totalOf(episode) > episode.saidLost) this.say(episode);
  }

  private note(trouble: Trouble): Episode {
    const now = performance.now();
    if (this.episode === undefined) {
      const again = now - this.recoveredAt < this.intervalMs;
      this.quietMs = again ? Math.min(this.quietMs * 2, this.intervalMs) : QUIET_MS;
      this.episode = {
        since: Date.now(),
        began: now,
        lost: new Map(),
        latest: trouble,
        latestLoss: undefined,
        lastTroubleAt: now,
        lastLineAt: -Infinity,
        saidLost: 0,
      };
    }
    this.episode.latest = trouble;
    this.episode.lastTroubleAt = now;
    return this.episode;
  }

  private isDue({ lastLineAt }: Episode): boolean {
    return performance.now() - lastLineAt >= this.intervalMs;
  }

  private say(episode: Episode): void {
    const { key, signal, items, destination } = this.subject;
    const { reason, remedy } = episode.latestLoss ?? episode.latest;
    const total = totalOf(episode);
    episode.lastLineAt = performance.now();
    episode.saidLost = total;
    const loss =
      total === 0
        ? 'Nothing is lost so far: what waits is sent again'
        : `Lost since ${new Date(episode.since).toISOString()}: ${countOf(total, items)}${breakdownOf(episode)}`;
    warn(key, `${signal} could not be sent to ${destination}: ${reason}. ${remedy} ${loss}.`);
  }

  private readonly lookForRecovery = (): void => {
    this.timer = undefined;
    const { episode } = this;
    if (episode === undefined) return;
    if (episode.saidLost === 0 && totalOf(episode) > 0) this.say(episode);
    const now = performance.now();
    // Trouble after the success: the next success looks again.
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

/** How many for each reason, where there is more than one. */
function breakdownOf({ lost }: Episode): string {
  if (lost.size < 2) return '';
  const parts = [...lost].map(([reason, count]) => `${count.toLocaleString('en-US')}: ${reason}`);
  return ` (${parts.join('; ')})`;
}

/** How often the same trouble is said again while it lasts, in milliseconds. */
export const WARNING_INTERVAL_MS = 60_000;
