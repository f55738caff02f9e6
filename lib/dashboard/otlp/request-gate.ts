import { DashboardError } from '../http/dashboard-error.js';

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
