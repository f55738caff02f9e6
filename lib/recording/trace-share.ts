import { type TraceId } from './span-identity.js';

/** The traces that OpenTelemetry's TraceIdRatioBasedSampler records at a ratio, told by their ids as numbers. */
export class TraceShare {
  private readonly bound: number;

  /** @param ratio 0 to 1 */
  constructor(ratio: number) {
    this.bound = ratio >= 1 ? 2 ** 32 : Math.floor(ratio * (2 ** 32 - 1));
  }

  includes({ a, b, c, d }: TraceId): boolean {
    return (a ^ b ^ c ^ d) >>> 0 < this.bound;
  }
}
