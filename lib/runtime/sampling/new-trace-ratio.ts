import type { Sampler } from '@opentelemetry/sdk-trace';

import { TraceShare } from '../../engine/recording-tracer-provider.js';
import { type Undo } from '../../process/undo-all.js';
import { sampleByShare } from './probability-samplers.js';

/**
 * The sampler of traces that begin here, whose ratio can be changed while the process runs. Rules stand in front of it.
 */
export class NewTraceRatio implements Sampler {
  /** The same decision by the numbers of an id. */
  readonly share: TraceShare;
  private current: number;
  private changes = 0;

  constructor(private readonly configuredRatio: number) {
    this.current = configuredRatio;
    this.share = new TraceShare(configuredRatio);
  }

  /** 0 to 1. */
  get ratio(): number {
    return this.current;
  }

  /** Samples this share of new traces, 0 to 1, until the undo. */
  change(ratio: number): Undo {
    const change = (this.changes += 1);
    this.set(ratio);
    return () => {
      // A later change is in force.
      if (this.changes === change) this.set(this.configuredRatio);
    };
  }

  shouldSample(
    ...[context, traceId]: Parameters<Sampler['shouldSample']>
  ): ReturnType<Sampler['shouldSample']> {
    return sampleByShare(this.share, context, traceId);
  }

  toString(): string {
    return `TraceIdRatioBased{${this.current}}`;
  }

  private set(ratio: number): void {
    this.current = ratio;
    this.share.change(ratio);
  }
}
