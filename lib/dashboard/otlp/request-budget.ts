import { type Steps, Turn } from '../steps.js';
import { DashboardError } from '../http/dashboard-error.js';

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
  private readonly turn = new Turn();
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
