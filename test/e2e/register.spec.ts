import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const programs = join(__dirname, 'programs');

describe('nestjs-telemetry/register', () => {
  let server: Server;
  let origin: string;
  let exported: string[];
  let traceparents: (string | undefined)[];

  beforeAll(async () => {
    server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        if (request.url === '/v1/traces') exported.push(Buffer.concat(chunks).toString());
        else traceparents.push(request.headers.traceparent as string | undefined);
        response.setHeader('content-type', 'application/json').end('{}');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    origin = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  });
  beforeEach(() => {
    exported = [];
    traceparents = [];
  });
  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const runWith = (args: string[], env: NodeJS.ProcessEnv = {}) =>
    run(process.execPath, args, {
      env: {
        ...process.env,
        OTEL_SERVICE_NAME: 'registered',
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${origin}/v1/traces`,
        OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
        ...env,
      },
    });

  it.each([
    ['--import', 'fetch-once.mjs'],
    ['--require', 'fetch-once.cjs'],
  ])('traces a script by %s, and sends what is buffered before the process ends', async (flag, program) => {
    await runWith([flag, 'nestjs-telemetry/register', join(programs, program), `${origin}/asked`]);
    expect(exported).toHaveLength(1);
    const [resourceSpans] = (JSON.parse(exported[0]!) as { resourceSpans: ResourceSpans[] }).resourceSpans;
    expect(resourceSpans?.resource.attributes).toContainEqual({
      key: 'service.name',
      value: { stringValue: 'registered' },
    });
    const [span] = resourceSpans!.scopeSpans.flatMap(({ spans }) => spans);
    expect(span?.name).toBe('GET');
    expect(traceparents).toEqual([`00-${String(span?.traceId)}-${String(span?.spanId)}-01`]);
  });

  it('reads the configuration file of OpenTelemetry, which replaces the variables', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'nestjs-telemetry-register-'));
    const file = join(folder, 'otel.yaml');
    writeFileSync(
      file,
      `file_format: "1.0"
resource: { attributes: [{ name: service.name, value: "\${OTEL_SERVICE_NAME}-by-file" }] }
tracer_provider:
  processors:
    - batch: { exporter: { otlp_http: { endpoint: "${origin}/v1/traces", encoding: json } } }
`,
    );
    try {
      await runWith(
        ['--import', 'nestjs-telemetry/register', join(programs, 'fetch-once.mjs'), `${origin}/asked`],
        { OTEL_CONFIG_FILE: file, OTEL_TRACES_SAMPLER: 'always_off' },
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
    expect(exported).toHaveLength(1);
    expect(exported[0]).toContain('registered-by-file');
    // The file names no propagator.
    expect(traceparents).toEqual([undefined]);
  });

  it('lets the program run when a variable is wrong, and warns once', async () => {
    const { stdout } = await runWith(
      ['--import', 'nestjs-telemetry/register', join(programs, 'fetch-once.mjs'), `${origin}/asked`],
      { OTEL_TRACES_SAMPLER: 'sometimes' },
    );
    expect(traceparents).toHaveLength(1);
    expect(stdout.match(/OTEL_TRACES_SAMPLER in the environment is "sometimes"/g)).toHaveLength(1);
  });

  it('does nothing when OTEL_SDK_DISABLED is true', async () => {
    await runWith(
      ['--import', 'nestjs-telemetry/register', join(programs, 'fetch-once.mjs'), `${origin}/asked`],
      { OTEL_SDK_DISABLED: 'true' },
    );
    expect(exported).toEqual([]);
    expect(traceparents).toEqual([undefined]);
  });
});

interface ResourceSpans {
  readonly resource: { readonly attributes: unknown[] };
  readonly scopeSpans: readonly {
    readonly spans: readonly { name: string; traceId: string; spanId: string }[];
  }[];
}
