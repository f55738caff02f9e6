import { once } from 'node:events';
import http, { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';

import { SpanKind } from '@opentelemetry/api';
import { InstrumentationBase, InstrumentationNodeModuleDefinition } from '@opentelemetry/instrumentation';
import { configureTelemetry, getTelemetry, type TelemetryHandle } from 'nestjs-telemetry';
import { createTelemetryProbe, type TelemetryProbe } from 'nestjs-telemetry/testing';

import { eventually } from '../support/eventually.js';

type Get = typeof http.get;
type HttpModule = Record<'get', Get>;

/** An instrumentation as OpenTelemetry's are written: it patches what its hook shows it. */
class SmallHttpInstrumentation extends InstrumentationBase {
  constructor(name: string) {
    super(name, '1.0.0', {});
  }

  protected init() {
    return new InstrumentationNodeModuleDefinition(
      'http',
      ['*'],
      (exports: HttpModule) => {
        this._wrap(exports, 'get', (original: Get): Get => {
          const { tracer } = this;
          return function (this: unknown, ...args: unknown[]) {
            const span = tracer.startSpan('theirs', { kind: SpanKind.CLIENT });
            span.end();
            return Reflect.apply(original, this, args) as ReturnType<Get>;
          };
        });
        return exports;
      },
      (exports: HttpModule) => {
        this._unwrap(exports, 'get');
      },
    );
  }
}

describe('an OpenTelemetry instrumentation that is passed in', () => {
  let probe: TelemetryProbe;
  let telemetry: TelemetryHandle | undefined;
  let server: Server;
  let url: string;
  const original = http.get;

  beforeAll(async () => {
    // An idle connection must outlive the pauses between the requests of a slow machine: they share an agent.
    server = createServer({ keepAliveTimeout: 120_000 }, (_request, response) => response.end());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/`;
  });
  afterEach(async () => {
    await telemetry?.shutdown();
    telemetry = undefined;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  const start = (name: string): void => {
    probe = createTelemetryProbe();
    telemetry = configureTelemetry({
      ...probe.options,
      instrumentation: { runtimeMetrics: false },
      instrumentations: [new SmallHttpInstrumentation(name)],
    });
  };
  const request = async (): Promise<void> => {
    await getTelemetry('test').trace('caller', async () => {
      const [response] = (await once(http.get(url), 'response')) as [http.IncomingMessage];
      await once(response.resume(), 'end');
    });
  };
  const clientSpans = () =>
    probe
      .spans()
      .filter(({ kind }) => kind === SpanKind.CLIENT)
      .map(({ name }) => name);

  it('patches what was loaded before it, and records with the providers of this process', async () => {
    start('instrumentation-of-our-own');
    await request();
    await eventually(() => clientSpans().length === 2);
    expect(clientSpans().sort()).toEqual(['GET', 'theirs']);
    expect(probe.span('theirs').spanContext().traceId).toBe(probe.span('caller').spanContext().traceId);
  });

  it('takes the place of ours for the same calls', async () => {
    start('@opentelemetry/instrumentation-http');
    await request();
    expect(clientSpans()).toEqual(['theirs']);
  });

  it('is taken off again at the stop, and patches again after a restart', async () => {
    start('instrumentation-of-our-own');
    expect(http.get).not.toBe(original);
    await telemetry?.shutdown();
    expect(http.get).toBe(original);
    start('instrumentation-of-our-own');
    await request();
    expect(clientSpans()).toContain('theirs');
  });

  it('is left out when it throws, and the application goes on', async () => {
    probe = createTelemetryProbe();
    const broken = new SmallHttpInstrumentation('broken');
    broken.setTracerProvider = () => {
      throw new Error('not today');
    };
    telemetry = configureTelemetry({
      ...probe.options,
      instrumentation: { runtimeMetrics: false },
      instrumentations: [broken],
    });
    await request();
    expect(clientSpans()).toEqual(['GET']);
  });
});
