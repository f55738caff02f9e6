import { DashboardError } from '../http/dashboard-error.js';
import { type Steps, TimeSlice } from '../steps.js';

/** Requests whose body is being read or decoded, or waits for it. */
const MAX_OPEN = 64;
/** Requests that are unpacked and decoded at the same time. */
const MAX_DECODED = 4;

/** Bounds how many requests there are at the same time. */
export class RequestGate {
  private open = 0;
  private decoding = 0;
  private readonly waiting: (() => void)[] = [];

  /**
   * Does the work of one request. What it does within `enter()` waits until others are done.
   *
   * @throws DashboardError 503 when there are too many already
   */
  async pass<T>(work: (enter: <R>(decode: () => Promise<R>) => Promise<R>) => Promise<T>): Promise<T> {
    if (this.open >= MAX_OPEN)
      throw new DashboardError(503, `${MAX_OPEN} requests are being read already. Try again.`, {
        'retry-after': '1',
      });
    this.open += 1;
    try {
      return await work((decode) => this.enter(decode));
    } finally {
      this.open -= 1;
    }
  }

  private async enter<R>(decode: () => Promise<R>): Promise<R> {
    if (this.decoding >= MAX_DECODED)
      await new Promise<void>((resolve) => {
        this.waiting.push(resolve);
      });
    else this.decoding += 1;
    try {
      return await decode();
    } finally {
      const next = this.waiting.shift();
      // Who waits takes the place.
      if (next === undefined) this.decoding -= 1;
      else next();
    }
  }
}

/** Values of a request: objects, lists, texts and numbers. 8,192 spans with 30 attributes have about 1,000,000. */
const MAX_VALUES = 1_500_000;
/** Spans, data points or log records of a request: as many as the store's queue holds. */
const MAX_ROWS = 20_000;
/** Turns of the event loop (8 ms each) that a request may take: 4 s of CPU time. */
const MAX_TURNS = 500;

/**
 * What one request may cost. Each step of the work asks it for room, and gives up the event loop
 * when its turn is over.
 */
export class RequestBudget {
  private readonly turn = new TimeSlice();
  private values = 0;
  private turns = 0;

  /** @throws DashboardError 413 when the request has too many values */
  takeValues(count = 1): void {
    this.values += count;
    if (this.values > MAX_VALUES) throw tooMuch(`more than ${MAX_VALUES} values`);
  }

  /** @throws DashboardError 413 when the request has too many spans, data points or log records */
  checkRows(count: number): void {
    if (count > MAX_ROWS) throw tooMuch(`more than ${MAX_ROWS} spans, data points or log records`);
  }

  /** Whether the event loop is due; to be asked for each value. */
  get isOver(): boolean {
    return this.turn.isOver();
  }

  /** The same; to be asked after some work. */
  get isOverNow(): boolean {
    return this.turn.isOverNow();
  }

  /** @throws DashboardError 413 when the request takes too long */
  *pass(): Steps<void> {
    this.turns += 1;
    if (this.turns > MAX_TURNS) throw tooMuch('more than can be decoded in the time that one request has');
    yield* this.turn.pass();
  }
}

function tooMuch(what: string): DashboardError {
  return new DashboardError(413, `The request has ${what}. Send smaller batches.`);
}
