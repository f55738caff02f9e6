import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

interface SentSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly flags: number;
}

interface SentTraces {
  readonly resourceSpans: readonly {
    readonly scopeSpans: readonly { readonly spans: readonly SentSpan[] }[];
  }[];
}

describe('two services that keep what fails', () => {
  const program = join(__dirname, 'programs/sampled-service.mjs');
  const children: ChildProcess[] = [];
  let receiver: Server;
  let sent: SentSpan[];
  let front: string;
  let chosen: string;
  let back: string;

  const startService = async (name: string, ratio: number, next = ''): Promise<string> => {
    const { port } = receiver.address() as AddressInfo;
    const child = spawn(process.execPath, [program], {
      env: {
        ...process.env,
        OTEL_SERVICE_NAME: name,
        RATIO: String(ratio),
        NEXT: next,
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `http://127.0.0.1:${String(port)}/v1/traces`,
        OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
        OTEL_METRICS_EXPORTER: 'none',
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
    return `http://127.0.0.1:${line}`;
  };

  beforeAll(async () => {
    receiver = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const { resourceSpans } = JSON.parse(Buffer.concat(chunks).toString()) as SentTraces;
        sent.push(...resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)));
        response.setHeader('content-type', 'application/json').end('{}');
      });
    });
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    back = await startService('back', 0);
    front = await startService('front', 0, back);
    chosen = await startService('chosen', 1, back);
  });
  beforeEach(() => {
    sent = [];
  });
  afterAll(async () => {
    await Promise.all(children.map((child) => (child.kill(), once(child, 'exit'))));
    receiver.closeAllConnections();
    await new Promise((resolve) => receiver.close(resolve));
  });

  /** What both sent of one request, by name. */
  const spansOf = async (service: string, path: string): Promise<Map<string, SentSpan>> => {
    await (await fetch(service + path)).text();
    for (const origin of [service, back]) await (await fetch(`${origin}/flush`)).text();
    return new Map(sent.map((span) => [span.name, span]));
  };
  const expectOneTrace = (spans: ReadonlyMap<string, SentSpan>): void => {
    const ids = new Set([...spans.values()].map(({ spanId }) => spanId));
    expect(new Set([...spans.values()].map(({ traceId }) => traceId)).size).toBe(1);
    const roots = [...spans.values()].filter(({ parentSpanId = '' }) => !ids.has(parentSpanId));
    expect(roots).toHaveLength(1);
    for (const { flags } of spans.values()) expect(flags & 1).toBe(1);
  };

  it('send nothing of a request that went well in both', async () => {
    expect([...(await spansOf(front, '/calls-fine'))]).toEqual([]);
  });

  it('send one whole trace when the one behind fails, each for itself', async () => {
    const spans = await spansOf(front, '/calls-fails');
    expect([...spans.keys()].sort()).toEqual(['GET', 'back /fails', 'back.fail', 'front /calls-fails']);
    expect(spans.get('back /fails')?.parentSpanId).toBe(spans.get('GET')?.spanId);
    expectOneTrace(spans);
  });

  it('send one whole trace when the first fails before it calls', async () => {
    const spans = await spansOf(front, '/fails-then-calls');
    expect([...spans.keys()].sort()).toEqual([
      'GET',
      'back /fine',
      'back.work',
      'front /fails-then-calls',
      'front.fail',
    ]);
    expectOneTrace(spans);
  });

  it('send the part of the first alone when it fails after it called', async () => {
    const spans = await spansOf(front, '/calls-then-fails');
    expect([...spans.keys()].sort()).toEqual(['GET', 'front /calls-then-fails', 'front.fail']);
    expectOneTrace(spans);
  });

  it('send one whole trace of the share that the first chooses', async () => {
    const spans = await spansOf(chosen, '/calls-fine');
    expect([...spans.keys()].sort()).toEqual(['GET', 'back /fine', 'back.work', 'chosen /calls-fine']);
    expectOneTrace(spans);
  });
});
