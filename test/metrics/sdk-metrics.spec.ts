import { context, SpanKind, trace, TraceFlags } from '@opentelemetry/api';
import { configureTelemetry, getTelemetry, type TelemetryHandle } from 'nestjs-telemetry';

import { currentRuntime } from '../../lib/runtime/sdk-runtime.js';
import { parseMetrics } from '../exporters/prometheus/parse-metrics.js';
import { renderText } from '../exporters/prometheus/render-text.js';
import { collectWarnings } from '../exporters/support/collect-warnings.js';
import { eventually } from '../support/eventually.js';
import { FaultyCollector } from '../support/faulty-collector.js';

describe.each(['fast', 'sdk'] as const)('metrics about ourselves, engine %s', (engine) => {
  let collector: FaultyCollector;
  let running: TelemetryHandle;
  let warnings: ReturnType<typeof collectWarnings>;

  beforeEach(() => {
    process.env.OTEL_BSP_MAX_EXPORT_BATCH_SIZE = '10';
    process.env.OTEL_BSP_MAX_QUEUE_SIZE = '20';
    process.env.OTEL_BSP_SCHEDULE_DELAY = '20';
    process.env.OTEL_METRIC_EXPORT_INTERVAL = '200';
  });

  afterEach(async () => {
    for (const name of ['MAX_EXPORT_BATCH_SIZE', 'MAX_QUEUE_SIZE', 'SCHEDULE_DELAY'])
      Reflect.deleteProperty(process.env, `OTEL_BSP_${name}`);
    delete process.env.OTEL_METRIC_EXPORT_INTERVAL;
    await running.shutdown();
    warnings.restore();
    await collector.close();
  });

  async function start(options = {}): Promise<void> {
    collector = await FaultyCollector.start('http/protobuf', { keepBodies: true });
    running = configureTelemetry({
      serviceName: 'observed',
      engine,
      otlpEndpoint: collector.url,
      logging: false,
      instrumentation: { runtimeMetrics: false },
      ...options,
    });
    warnings = collectWarnings();
  }

  const record = (count: number): void => {
    for (let index = 0; index < count; index += 1) trace.getTracer('t').startSpan('work').end();
  };

  /** Series of the page of Prometheus that have these labels; the sum of their values. */
  async function valueOf(name: string, labels: Record<string, string> = {}): Promise<number> {
    const page = await renderText(currentRuntime()!.prometheus!);
    const lines = page.body
      .split('\n')
      .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
      .filter((line) => Object.entries(labels).every(([key, value]) => line.includes(`${key}="${value}"`)));
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  }

  it('count spans that are started, live, sent and waiting, in /metrics', async () => {
    await start();
    const before = await valueOf('otel_sdk_span_started_total', { otel_span_parent_origin: 'none' });
    const remoteBefore = await valueOf('otel_sdk_span_started_total', { otel_span_parent_origin: 'remote' });
    const liveBefore = await valueOf('otel_sdk_span_live');
    record(30);
    const remote = {
      traceId: '1'.repeat(32),
      spanId: '2'.repeat(16),
      traceFlags: TraceFlags.SAMPLED,
      isRemote: true,
    };
    const open = trace
      .getTracer('t')
      .startSpan('open', { kind: SpanKind.SERVER }, trace.setSpanContext(context.active(), remote));
    await eventually(() => collector.accepted.trace === 30);
    await eventually(async () => (await valueOf('otel_sdk_exporter_span_exported_total')) === 30);

    expect(await valueOf('otel_sdk_span_started_total', { otel_span_parent_origin: 'none' })).toBe(
      before + 30,
    );
    expect(await valueOf('otel_sdk_span_started_total', { otel_span_parent_origin: 'remote' })).toBe(
      remoteBefore + 1,
    );
    expect(await valueOf('otel_sdk_span_live')).toBe(liveBefore + 1);
    open.end();
    expect(await valueOf('otel_sdk_span_live')).toBe(liveBefore);
    expect(await valueOf('otel_sdk_processor_span_queue_capacity')).toBe(20);
    expect(
      await valueOf('otel_sdk_exporter_operation_duration_seconds_count', {
        otel_component_type: 'otlp_http_span_exporter',
        server_address: '127.0.0.1',
      }),
    ).toBeGreaterThanOrEqual(3);
  });

  it('tell what is lost by cause: refused by the collector, or no room in the queue', async () => {
    await start();
    collector.fault = 'partial';
    record(10);
    await eventually(
      async () => (await valueOf('otel_sdk_exporter_span_exported_total', { error_type: 'rejected' })) === 5,
    );
    await collector.set('refused');
    record(100);

    // One batch is tried, twenty spans wait.
    expect(await valueOf('otel_sdk_processor_span_processed_total', { error_type: 'queue_full' })).toBe(70);
    expect(await valueOf('otel_sdk_processor_span_queue_size')).toBe(20);
    expect(await valueOf('otel_sdk_exporter_span_inflight')).toBe(10);
    await collector.set(undefined);
  });

  it('go out by OTLP as well, without feeding themselves', async () => {
    await start();
    record(5);
    await eventually(() => collector.bodies.some((body) => body.includes('otel.sdk.exporter.span.exported')));
    const spans = collector.accepted.trace;
    const requests = collector.requestTimes.length;
    await eventually(() => collector.requestTimes.length >= requests + 3);
    expect(collector.accepted.trace).toBe(spans);
  });

  it('are switched off', async () => {
    await start({ instrumentation: { runtimeMetrics: false, sdkMetrics: false } });
    record(5);
    getTelemetry('t').counter('mine').add(1);
    const page = await renderText(currentRuntime()!.prometheus!);
    expect(page.body).toContain('mine_total');
    expect(page.body).not.toContain('otel_sdk');
    expect(parseMetrics(page.body)).toBeDefined();
  });
});
