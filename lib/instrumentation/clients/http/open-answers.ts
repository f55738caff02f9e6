import { type Context, trace } from '@opentelemetry/api';

import { endedRootOf, type Lineage, lineageOf } from '../../../engine/lineage.js';

/** How often open answers are looked at, in milliseconds, while there are any. */
const CHECK_EVERY_MS = 250;
/**
 * A body without a reader stands still for so long, in milliseconds, before its request counts as
 * over.
 */
const UNREAD_AFTER_MS = 2_000;
/** The same for a body that may only have to wait for a slow server. */
const SILENT_AFTER_MS = 30_000;

/** What is known of the reader of a body: there is none, it waits for the server, or either. */
export type Reading = 'unread' | 'waiting' | 'unknown';

/** An answer whose head is there and whose body is not. */
export interface OpenAnswer {
  /** When its last part came, on the clock of `performance.now()`. */
  lastAt: number;
  reading(): Reading;
  /** Ends the span of the request as of `lastAt`. */
  end(): void;
}

interface Watched {
  readonly answer: OpenAnswer;
  /** The span of the caller, if its trace was open when the answer came. */
  readonly caller: Lineage | undefined;
}

/**
 * Ends the spans of requests whose body is not read. Without it such a span would last until the
 * response is garbage collected, which marks it as aborted, or for ever: neither has to do with the
 * request.
 */
export class OpenAnswers {
  private readonly watched = new Map<object, Watched>();
  private timer: NodeJS.Timeout | undefined;

  get(request: object): OpenAnswer | undefined {
    return this.watched.get(request)?.answer;
  }

  watch(request: object, caller: Context, answer: OpenAnswer): void {
    const span = lineageOf(trace.getSpan(caller));
    const open = span !== undefined && endedRootOf(span) === undefined ? span : undefined;
    this.watched.set(request, { answer, caller: open });
    this.timer ??= setInterval(() => {
      this.check();
    }, CHECK_EVERY_MS).unref();
  }

  forget(request: object): void {
    if (this.watched.delete(request) && this.watched.size === 0) this.stop();
  }

  /** Ends all that are open, as of their last part. */
  endAll(): void {
    for (const { answer } of this.watched.values()) answer.end();
    this.watched.clear();
    this.stop();
  }

  private check(): void {
    const now = performance.now();
    for (const [request, { answer, caller }] of this.watched) {
      if (now - answer.lastAt < patienceWith(answer, caller)) continue;
      this.watched.delete(request);
      answer.end();
    }
    if (this.watched.size === 0) this.stop();
  }

  private stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }
}

function patienceWith(answer: OpenAnswer, caller: Lineage | undefined): number {
  const reading = answer.reading();
  if (reading === 'waiting') return Infinity;
  // After the caller's own request has been answered, no reader is left.
  if (caller !== undefined && endedRootOf(caller) !== undefined) return CHECK_EVERY_MS;
  return reading === 'unread' ? UNREAD_AFTER_MS : SILENT_AFTER_MS;
}
