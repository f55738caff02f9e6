import { type MetricData } from '@opentelemetry/sdk-metrics';

import { processSymbol } from '../process/process-wide.js';
import { type SpanNode } from './trace-tree.js';

/** One written log line, parsed. */
export type LogLine = Readonly<Record<string, unknown>>;

/** What matchers read of a probe. */
export interface ProbeRecords {
  /** Spans in their places, roots first; with those that have not ended. */
  trees(): readonly SpanNode[];
  lines(): readonly LogLine[];
  /** Collects now. */
  metrics(): Promise<readonly MetricData[]>;
}

/** The records of a probe, also of another copy of this package: tests may load both module formats. */
export const PROBE: unique symbol = processSymbol('probe') as never; // a symbol has no unique type but where it is made
