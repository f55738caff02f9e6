// Sends six spans in one batch to the Jaeger agent named in the argument, two of them too big for a UDP packet, and
// prints the id of their trace.
import { configureTelemetry, getTelemetry } from 'nestjs-telemetry';

const running = configureTelemetry({
  serviceName: 'oversized',
  jaegerEndpoint: process.argv[2],
  enablePrometheus: false,
  logging: false,
  instrumentation: false,
  // By default values are cut, and the spans would fit.
  limits: { attributeValueLength: 0 },
});
const telemetry = getTelemetry('oversized');
telemetry.trace('whole', () => {
  telemetry.trace('before', { index: 1 }, () => undefined);
  telemetry.trace('too_big', { index: 2, payload: 'x'.repeat(70_000) }, () => undefined);
  telemetry.trace('between', { index: 3 }, () => undefined);
  telemetry.trace('too_big', { index: 4, payload: 'x'.repeat(80_000) }, () => undefined);
  telemetry.trace('after', { index: 5 }, () => undefined);
  console.log(telemetry.getCurrentTraceId());
});
await running.shutdown();
