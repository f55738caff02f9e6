import { createServer, type RequestListener, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';

import {
  configureTelemetry,
  getTelemetry,
  type TelemetryHandle,
  type TelemetryOptions,
} from 'nestjs-telemetry';

import { resetWarnings, setWarningSink } from '../../lib/errors/warnings.js';
import { checkStart } from '../../lib/module/check-start.js';
import { currentRuntime } from '../../lib/runtime/sdk-runtime.js';
import { eventually } from '../support/eventually.js';
import { FaultyCollector } from '../support/faulty-collector.js';
import { freePort } from '../support/free-port.js';

describe('the check after the start', () => {
  let telemetry: TelemetryHandle | undefined;
  let servers: Server[];
  let collector: FaultyCollector | undefined;
  let warnings: string[];
  let restore: () => void;

  beforeEach(() => {
    resetWarnings();
    servers = [];
    warnings = [];
    restore = () => undefined;
  });
  afterEach(async () => {
    restore();
    await telemetry?.shutdown();
    await collector?.close();
    for (const server of servers) await new Promise((resolve) => server.close(resolve));
    telemetry = undefined;
    collector = undefined;
  });

  const start = (options: TelemetryOptions): TelemetryHandle => {
    telemetry = configureTelemetry({
      serviceName: 'orders',
      store: false,
      dashboard: false,
      enablePrometheus: false,
      shutdownTimeoutMs: 200,
      instrumentation: { runtimeMetrics: false, sdkMetrics: false },
      ...options,
    });
    // In place of the log lines, which would be sent, too.
    restore = setWarningSink((message) => warnings.push(message));
    return telemetry;
  };
  const check = (): Promise<void> =>
    new Promise((resolve) => {
      checkStart(currentRuntime()!, 0, resolve);
    });
  const serve = async (listener: RequestListener): Promise<string> => {
    const server = createServer(listener);
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };

  it('is off in tests, and on elsewhere unless it is switched off', async () => {
    expect(start({}).config.startCheck).toBe(false);
    await telemetry?.shutdown();
    expect(start({ environment: 'staging' }).config.startCheck).toBe(true);
    await telemetry?.shutdown();
    expect(start({ environment: 'staging', startCheck: false }).config.startCheck).toBe(false);
  });

  it.each(['grpc', 'http/protobuf', 'http/json'] as const)(
    'warns about nothing where receivers take data over %s',
    async (protocol) => {
      collector = await FaultyCollector.start(protocol);
      start({ otlpEndpoint: collector.url, otlpProtocol: protocol });
      await check();
      expect(warnings).toEqual([]);
      expect(collector.requestTimes).toHaveLength(3);
      expect(collector.accepted).toEqual({ trace: 0, metrics: 0, logs: 0 });
    },
  );

  it('names all that is wrong in one warning, and a receiver that is down once for its three signals', async () => {
    const port = await freePort();
    start({ otlpEndpoint: `http://127.0.0.1:${port}`, sampling: { sampler: 'always_off' } });
    await check();
    const [warning = '', ...others] = warnings;
    expect(others).toEqual([]);
    expect(warning.split('\n')).toEqual([
      'Telemetry of this application is not complete:',
      expect.stringMatching(
        /^- sampling: no trace that begins here is recorded\. Seen: always_off .* Set sampling: 0\.1/,
      ),
      expect.stringMatching(
        new RegExp(
          `^- (?:(?:traces|metrics|logs) to \\S*:${port}\\S* \\(OTLP http/protobuf\\)(?:, |: )){3}does not arrive\\. Seen: .*ECONNREFUSED`,
        ),
      ),
      expect.stringContaining('Run `npx nestjs-telemetry doctor`'),
    ]);
    await check();
    expect(warnings).toHaveLength(1);
  });

  it.each([
    [404, /HTTP 404.*Check the path/],
    [401, /HTTP 401.*otlpHeaders/],
  ])('names a receiver that answers %d', async (status, text) => {
    const url = await serve((request, response) => {
      request.resume().on('end', () => response.writeHead(status).end());
    });
    start({ otlpEndpoint: url });
    await check();
    expect(warnings).toEqual([expect.stringMatching(text)]);
  });

  it('names what answers and is no collector', async () => {
    const url = await serve((request, response) => {
      request.resume().on('end', () => response.setHeader('content-type', 'text/html').end('<p>Welcome</p>'));
    });
    start({ otlpEndpoint: url });
    await check();
    expect(warnings).toEqual([expect.stringContaining('is answered by something else')]);
  });

  it('does not judge a receiver that objects to an empty request or has no room', async () => {
    for (const status of [400, 429, 503]) {
      const url = await serve((request, response) => {
        request.resume().on('end', () => response.writeHead(status).end());
      });
      start({ otlpEndpoint: url });
      await check();
      await telemetry?.shutdown();
    }
    expect(warnings).toEqual([]);
  });

  it('sends nothing to a receiver that exports have reached, nor names what exports have warned about', async () => {
    collector = await FaultyCollector.start('http/protobuf');
    start({ otlpEndpoint: collector.url });
    getTelemetry('orders').trace('work', () => undefined);
    await telemetry?.flush({ timeoutMs: 10_000 });
    await eventually('the span', () => collector!.accepted.trace === 1);
    const before = collector.requestTimes.length;
    await check();
    // One less than the three signals: that of the span.
    expect(collector.requestTimes.length - before).toBeLessThan(3);
    expect(warnings).toEqual([]);
  });

  it('ends with the telemetry of the process', async () => {
    start({ otlpEndpoint: `http://127.0.0.1:${await freePort()}` });
    let isDone = false;
    checkStart(currentRuntime()!, 0, () => (isDone = true))();
    await new Promise((resolve) => setImmediate(resolve));
    expect([isDone, warnings]).toEqual([false, []]);
  });
});
