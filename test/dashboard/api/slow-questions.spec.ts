import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';

import { Dashboard } from '../../../lib/dashboard/dashboard.js';
import { type TelemetryReader } from '../../../lib/dashboard/reader/telemetry-reader.interface.js';
import { eventually } from '../../support/eventually.js';
import { createMemoryReader } from '../reader/memory-reader.js';

/** A database that answers no question about traces until it is asked to stop. */
class StuckReader {
  readonly asked: AbortSignal[] = [];
  readonly reader: TelemetryReader = Object.assign(createMemoryReader().reader, {
    traces: (_: unknown, { signal }: { signal?: AbortSignal } = {}) =>
      new Promise<never>((_resolve, reject) => {
        this.asked.push(signal!);
        signal!.addEventListener('abort', () => {
          reject(signal!.reason as Error);
        });
      }),
  });
}

describe('a question that the database does not answer', () => {
  let stuck: StuckReader;
  let dashboard: Dashboard;
  let server: Server;
  let address: string;

  beforeEach(async () => {
    // Time is moved by hand; everything else is real, sockets too.
    jest.useFakeTimers({
      advanceTimers: true,
      doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'performance', 'Date', 'hrtime'],
    });
    stuck = new StuckReader();
    dashboard = new Dashboard({
      config: {
        path: '/telemetry',
        token: false,
        allowRemote: false,
        allowedHosts: [],
        otlp: false,
        mcp: false,
      profiling: false,
        editor: undefined,
        clickhouse: undefined,
      },
      token: undefined,
      loadReader: async () => stuck.reader,
      sink: undefined,
      work: async (steps) => {
        for (;;) {
          const { done, value } = steps.next();
          if (done) return value;
        }
      },
      instrumentations: () => [],
      libraries: () => [],
      running: () => [],
      process: undefined,
    });
    server = createServer(dashboard.serve);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/telemetry/api/v1`;
  });
  afterEach(async () => {
    jest.useRealTimers();
    dashboard.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const asked = () => eventually('the question', () => stuck.asked[0]);

  it('ends with 504 after 30 seconds, and the database is asked to stop', async () => {
    const answer = fetch(`${address}/traces`);
    const signal = await asked();
    jest.advanceTimersByTime(29_000);
    expect(signal.aborted).toBe(false);
    jest.advanceTimersByTime(1_000);
    const response = await answer;
    expect(response.status).toBe(504);
    expect(await response.text()).toContain('The database did not answer within 30 s. Ask for less.');
    expect(signal.aborted).toBe(true);
  });

  it('ends when the visitor leaves, and others are answered', async () => {
    const visitor = new AbortController();
    const answer = fetch(`${address}/traces`, { signal: visitor.signal });
    const signal = await asked();
    visitor.abort();
    await expect(answer).rejects.toThrow('aborted');
    await eventually('the end of the question', () => signal.aborted);
    expect((await fetch(`${address}/logs`)).status).toBe(200);
  });
});
