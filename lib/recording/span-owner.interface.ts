import { type InstrumentationScope } from '@opentelemetry/core';
import { type Resource } from '@opentelemetry/resources';
import { type SpanProcessor } from '@opentelemetry/sdk-trace';

import { type AttributeLimits } from './attribute-list.js';

/** How large a span may become. */
export interface RecordingLimits {
  readonly attributes: AttributeLimits;
  readonly events: number;
  readonly eventAttributes: AttributeLimits;
  readonly links: number;
  readonly linkAttributes: AttributeLimits;
}

/** What a span has in common with the others of its tracer. */
export interface SpanOwner {
  readonly instrumentationScope: InstrumentationScope;
  readonly resource: Resource;
  readonly limits: RecordingLimits;
  readonly processor: SpanProcessor;
}
