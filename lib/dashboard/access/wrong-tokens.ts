import { warnOnce } from '../../errors/warnings.js';
import { DashboardError } from '../http/dashboard-error.js';

/** Wrong tokens that are answered without delay: somebody may mistype. */
const FREE_TRIES = 3;
const FIRST_DELAY_MS = 250;
const MAX_DELAY_MS = 4_000;
/** After so long without a wrong token, the count starts again. */
const FORGIVEN_AFTER_MS = 60_000;
/** Further tries are refused unread while so many answers are being delayed. */
const MAX_DELAYED = 20;
const WARN_EVERY_MS = 60_000;

/**
 * Slows down and logs tries of wrong tokens. All callers share one count, because behind a proxy
 * all of them have one address.
 */
export class WrongTokens {
  private tries = 0;
  private lastAt = -Infinity;
  private delayed = 0;

  /**
   * To be called before a token is compared.
   *
   * @throws DashboardError 429 while too many wrong tokens are being answered
   */
  checkRoom(): void {
    if (this.delayed < MAX_DELAYED) return;
    throw new DashboardError(429, 'Too many wrong tokens were sent. Try again in a few seconds.', {
      'retry-after': String(MAX_DELAY_MS / 1_000),
    });
  }

  /** Resolves when the answer to a wrong token may be sent. */
  async refuse(from: string | undefined): Promise<void> {
    const now = performance.now();
    if (now - this.lastAt > FORGIVEN_AFTER_MS) this.tries = 0;
    this.lastAt = now;
    this.tries += 1;
    warnOnce(
      'dashboard:wrong-token',
      `A request to the dashboard from ${from ?? 'an unknown address'} had a wrong token. ` +
        'The token is dashboard.token, or the one in the address printed at start.',
      WARN_EVERY_MS,
    );
    if (this.tries <= FREE_TRIES) return;
    const delay = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** (this.tries - FREE_TRIES - 1));
    this.delayed += 1;
    try {
      await new Promise<void>((resolve) => {
        setTimeout(resolve, delay).unref();
      });
    } finally {
      this.delayed -= 1;
    }
  }
}
