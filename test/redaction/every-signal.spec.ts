import { logs, metrics, SpanStatusCode, trace } from '@opentelemetry/api';
import fastify from 'fastify';
import { getTelemetry, instrumentFastify } from 'nestjs-telemetry';

import { type TelemetryEngine } from '../../lib/config/telemetry-options.js';
import { recentWarnings, warnOnce } from '../../lib/errors/warnings.js';
import { configureTelemetry } from '../../lib/module/start-telemetry.js';
import type { TelemetryHandle } from '../../lib/runtime/sdk-runtime.js';
import { createTelemetryProbe } from '../../lib/testing/telemetry-probe.js';
import { eventually } from '../support/eventually.js';

const SECRET = 'SEC-hunter2-RET';

describe.each<TelemetryEngine>(['fast', 'sdk'])('a secret under the %s engine', (engine) => {
  const probe = createTelemetryProbe();
  let running: Pick<TelemetryHandle, 'shutdown'>;

  beforeAll(() => {
    running = configureTelemetry({
      ...probe.options,
      engine,
      dashboard: false,
      store: false,
      resourceAttributes: { 'db.password': SECRET, team: 'orders' },
    });
  });
  beforeEach(() => {
    probe.reset();
  });
  afterAll(() => running.shutdown());

  it('is in no part of a span', () => {
    const tracer = trace.getTracer('test');
    const span = tracer.startSpan(`GET /x?token=${SECRET}`, {
      attributes: Object.freeze({ password: SECRET, 'order.id': '42' }),
      links: [{ context: tracer.startSpan('other').spanContext(), attributes: { apiKey: SECRET } }],
    });
    span.setAttribute('http.request.header.authorization', [`Bearer ${SECRET}`]);
    span.setAttributes({ note: `password=${SECRET}`, nested: { list: [{ secret: SECRET }] } });
    span.addEvent(`password=${SECRET}`, { size: 3 });
    span.addEvent('sent', { cookie: SECRET, size: 3 });
    span.recordException(new Error(`Cannot GET /reset?t=${SECRET}`));
    span.setStatus({ code: SpanStatusCode.ERROR, message: `Cannot GET /reset?t=${SECRET}` });
    span.updateName(`GET /y?token=${SECRET}`);
    span.end();

    const [ended] = probe.spans();
    const { name, attributes, events, links, status, resource } = ended!;
    const everything = JSON.stringify([name, attributes, events, links, status, resource.attributes]);
    expect(everything).not.toContain(SECRET);
    expect(attributes).toMatchObject({ password: '[Redacted]', 'order.id': '42' });
    expect(name).toBe('GET /y?token=[Redacted]');
    expect(status.message).toBe('Cannot GET /reset?[Redacted]');
    expect(resource.attributes).toMatchObject({ 'db.password': '[Redacted]', team: 'orders' });
  });

  it("is in no label of a metric, of OpenTelemetry's API too", async () => {
    const meter = metrics.getMeter('test');
    const counter = meter.createCounter('logins');
    counter.add(1, { token: `${SECRET}1`, user: 'a' });
    counter.add(2, { token: `${SECRET}2`, user: 'a' });
    counter.add(4, Object.freeze({ token: `${SECRET}3`, user: 'a' }));
    meter.createObservableGauge('open').addCallback((result) => {
      result.observe(3, { session: SECRET });
    });

    expect(await probe.metricValue('logins', { token: '[Redacted]', user: 'a' })).toBe(7);
    expect(await probe.metricValue('open', { session: '[Redacted]' })).toBe(3);
  });

  it('is in no label of an object that is used for the next measurement too', async () => {
    const counter = metrics.getMeter('test').createCounter('reused');
    const labels = { note: 'none', user: 'a' };
    counter.add(1, labels);
    labels.note = `password=${SECRET}`;
    counter.add(2, labels);
    counter.add(4, labels);
    // The labels as they are after redaction are those of the same series.
    counter.add(8, { note: 'password=[Redacted]', user: 'a' });

    expect(await probe.metricValue('reused', { note: 'none', user: 'a' })).toBe(1);
    expect(await probe.metricValue('reused', { note: 'password=[Redacted]', user: 'a' })).toBe(14);
  });

  it("is in no log record, of OpenTelemetry's API too", () => {
    logs
      .getLogger('test')
      .emit({ body: { password: SECRET, user: 'bob' }, attributes: { token: SECRET, id: 1 } });
    logs.getLogger('test').emit({ body: `password=${SECRET}` });
    const [first, second] = probe.logRecords();
    expect(first).toMatchObject({
      body: { password: '[Redacted]', user: 'bob' },
      attributes: { token: '[Redacted]', id: 1 },
    });
    expect(second).toMatchObject({ body: 'password=[Redacted]' });
  });

  it('is in no warning of ours, and not on the health page', () => {
    warnOnce(`test:${engine}`, `http://app:${SECRET}@collector:4318 does not answer`);
    expect(JSON.stringify([recentWarnings(), probe.logLines()])).not.toContain(SECRET);
  });
});

describe('a client that redaction.keys name, as in docs/privacy.md', () => {
  it('is on no span and no line of its request', async () => {
    const probe = createTelemetryProbe();
    const running = configureTelemetry({
      ...probe.options,
      dashboard: false,
      store: false,
      redaction: {
        keys: [
          'client.address',
          'network.peer.address',
          'user_agent.original',
          'url.path',
          'url.full',
          /^path$/,
        ],
      },
    });
    const server = fastify();
    instrumentFastify(server);
    server.get('/patients/:name', () => 'ok');
    const address = await server.listen({ host: '127.0.0.1', port: 0 });
    await getTelemetry('test').trace('caller', async () => {
      await (await fetch(`${address}/patients/ada`, { headers: { 'user-agent': 'Mozilla' } })).text();
    });
    await eventually('the span of the request', () =>
      probe.spans().some(({ name }) => name === 'GET /patients/:name'),
    );
    await server.close();
    await running.shutdown();

    const recorded = probe.spans().map(({ name, attributes }) => ({ name, attributes }));
    expect(recorded).toHaveLength(3);
    for (const value of ['ada', 'Mozilla']) expect(JSON.stringify(recorded)).not.toContain(value);
    expect(JSON.stringify(probe.logRecords())).not.toContain('ada');
    expect(recorded.find(({ name }) => name.startsWith('GET /'))?.attributes).toMatchObject({
      'http.route': '/patients/:name',
      'client.address': '[Redacted]',
      'url.path': '[Redacted]',
    });
  });
});
