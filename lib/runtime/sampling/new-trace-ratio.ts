import { type Sampler, TraceIdRatioBasedSampler } from '@opentelemetry/sdk-trace';

import { TraceShare } from '../../engine/recording-tracer-provider.js';
import { type Undo } from '../../process/undo-all.js';

/**
 * The sampler of traces that begin here, by one of OpenTelemetry's names, whose ratio can be changed
 * while the process runs. Rules stand in front of it.
 */
export class NewTraceRatio implements Sampler {
  /** The same decision by the numbers of an id. */
  readonly share: TraceShare;
  private inForce: Sampler;
  private current: number;

  constructor(
    private readonly configured: Sampler,
    private readonly configuredRatio: number,
  ) {
    this.inForce = configured;
    this.current = configuredRatio;
    this.share = new TraceShare(configuredRatio);
  }

  /** 0 to 1. */
  get ratio(): number {
    return this.current;
  }

  /** Samples this share of new traces, 0 to 1, until the undo. */
  change(ratio: number): Undo {
    const changed = new TraceIdRatioBasedSampler(ratio);
    this.set(changed, ratio);
    return () => {
      // A later change is in force.
      if (this.inForce === changed) this.set(this.configured, this.configuredRatio);
    };
  }

  shouldSample(...args: Parameters<Sampler['shouldSample']>): ReturnType<Sampler['shouldSample']> {
    return this.inForce.shouldSample(...args);
  }

  toString(): string {
    return this.inForce.toString();
  }

  private set(sampler: Sampler, ratio: number): void {
    this.inForce = sampler;
    this.current = ratio;
    this.share.change(ratio);
  }
}
