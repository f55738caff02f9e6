import { trace } from '@opentelemetry/api';
import {
  configureTelemetry,
  extractTraceContext,
  getCurrentTraceId,
  getTelemetry,
  type SamplingOptions,
  type TelemetryHandle,
  Trace,
  withTraceContext,
} from 'nestjs-telemetry';
import { createTelemetryProbe, type TelemetryProbe } from 'nestjs-telemetry/testing';

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const unsampledCaller = () => extractTraceContext({ traceparent: `00-${TRACE_ID}-b7ad6b7169203331-00` });

describe('calls whose trace is not sampled', () => {
  let probe: TelemetryProbe;
  let telemetry: TelemetryHandle | undefined;
  let described: number;

  const start = (sampling: SamplingOptions): void => {
    probe = createTelemetryProbe();
    telemetry = configureTelemetry({ ...probe.options, sampling, instrumentation: false });
  };
  beforeEach(() => {
    described = 0;
    telemetry = undefined;
  });
  afterEach(async () => {
    await telemetry?.shutdown();
  });

  it('are not among the spans of a probe, unless they are kept', async () => {
    start({ ratio: 0, keep: { errors: true } });
    const orders = getTelemetry('Orders');
    orders.trace('went well', () => 'done');
    expect(() =>
      orders.trace('failed', () => {
        throw new Error('out of stock');
      }),
    ).toThrow('out of stock');
    expect(probe.spans().map(({ name }) => name)).toEqual(['failed']);
  });

  class Orders {
    @Trace({
      attributes: () => {
        described += 1;
        return {};
      },
    })
    find(id: string): { id: string; traceId: string | undefined } {
      return { id, traceId: getCurrentTraceId() };
    }

    @Trace({ root: true })
    audit(): string | undefined {
      return getCurrentTraceId();
    }
  }

  it('run unchanged below an unsampled span, without a description, in the trace of their caller', () => {
    start({ sampler: 'parentbased_always_on' });
    const found = withTraceContext(unsampledCaller(), () =>
      getTelemetry('test').trace('block', (span) => ({
        ...new Orders().find('7'),
        recording: span.isRecording(),
      })),
    );
    expect(found).toEqual({ id: '7', traceId: TRACE_ID, recording: false });
    expect(described).toBe(0);
    expect(probe.spans()).toEqual([]);
  });

  it('are decided again when they start their own trace', () => {
    start({ sampler: 'parentbased_always_on' });
    const traceId = withTraceContext(unsampledCaller(), () => new Orders().audit());
    expect(traceId).not.toBe(TRACE_ID);
    expect(probe.span('Orders.audit').spanContext().traceId).toBe(traceId);
  });

  it('get spans all the same from a sampler that does not ask the parent', () => {
    start({ sampler: 'always_on' });
    withTraceContext(unsampledCaller(), () => new Orders().find('7'));
    expect(probe.span('Orders.find').spanContext().traceId).toBe(TRACE_ID);
  });

  it('still run where no telemetry was started at all', () => {
    expect(new Orders().find('7')).toEqual({ id: '7', traceId: undefined });
    expect(getTelemetry('test').trace('block', (span) => span.spanContext().traceId)).toBe('0'.repeat(32));
    expect(described).toBe(0);
    expect(trace.getActiveSpan()).toBeUndefined();
  });
});
