import { type SpanProcessor } from '@opentelemetry/sdk-trace';

import { type ReadBaggage } from '../engine/baggage-fields.js';
import { redaction } from '../redaction/active-redaction.js';

/** Puts the chosen baggage of its context on every span that starts. */
export function baggageSpanProcessor(readBaggage: ReadBaggage): SpanProcessor {
  return {
    onStart: (span, parentContext) => {
      const fields = readBaggage(parentContext);
      // Other processors look at a span of OpenTelemetry's SDK before it is redacted at its end.
      if (fields !== undefined) span.setAttributes(redaction().attributes(fields));
    },
    onEnd: () => undefined,
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
  };
}
