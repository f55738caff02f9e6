/** A processor that BullMQ runs in a process of its own, as docs/background-work.md has it; gives back the trace it is in. */
const {
  configureTelemetry,
  extractTraceContext,
  getTelemetry,
  withTraceContext,
} = require('nestjs-telemetry');

configureTelemetry({ serviceName: 'sandboxed', logging: false });

module.exports = async ({ name, opts }) => {
  if (name === 'bad') throw new RangeError('sandboxed failure');
  const added = extractTraceContext(JSON.parse(opts.telemetry?.metadata ?? '{}'));
  return withTraceContext(added, () =>
    getTelemetry('sandboxed').trace('work', (span) => ({ traceId: span.spanContext().traceId })),
  );
};
