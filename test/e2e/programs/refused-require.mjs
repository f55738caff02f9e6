// Starts telemetry where require() of ES modules is refused, and prints the trace it records.
import { registerHooks } from 'node:module';

import { configureTelemetry, getCurrentTraceId, getTelemetry } from 'nestjs-telemetry';

let refused = 0;
registerHooks({
  load(url, context, nextLoad) {
    if (url.includes('/dist/esm/runtime/load-sdk-part.js')) {
      refused += 1;
      throw new Error('require() of an ES module is not supported');
    }
    return nextLoad(url, context);
  },
});
const telemetry = configureTelemetry({ serviceName: 'refused', dashboard: false, store: false });
const traceId = getTelemetry('refused').trace('work', () => getCurrentTraceId());
await telemetry.shutdown();
console.log(JSON.stringify({ refused, traceId }));
