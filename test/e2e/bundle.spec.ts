import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { PGlite } from '@electric-sql/pglite';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';
import { build, type BuildOptions } from 'esbuild';

interface SentSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
}

/** What Nest, Fastify and pg would load if it were there; the service uses none of it. */
const OPTIONAL = [
  '@nestjs/microservices',
  '@nestjs/websockets',
  '@fastify/multipart',
  '@fastify/static',
  '@fastify/view',
  'class-transformer',
  'class-validator',
  'pg-native',
];

/** CommonJS packages inside of an ES module want what only CommonJS has: docs/bundles.md. */
const COMMONJS_IN_ESM = `
import { createRequire as requireFrom } from 'node:module';
const require = requireFrom(import.meta.url);
const { filename: __filename, dirname: __dirname } = import.meta;
`;

const OUTPUTS: Readonly<Record<string, BuildOptions>> = {
  'service.cjs': { format: 'cjs' },
  'service.mjs': { format: 'esm', banner: { js: COMMONJS_IN_ESM } },
};

describe('an application that is bundled into one file with everything it uses', () => {
  let folder: string;
  let outside: Server;
  let origin: string;
  let database: PGlite;
  let databaseServer: PGLiteSocketServer;
  let sent: SentSpan[];
  let asked: { path: string | undefined; traceparent: unknown }[];
  beforeAll(async () => {
    // Far from every node_modules: whatever is not in the file is missing.
    folder = mkdtempSync(join(tmpdir(), 'nestjs-telemetry-bundle-'));
    database = await PGlite.create();
    databaseServer = new PGLiteSocketServer({ db: database, port: 0, host: '127.0.0.1', maxConnections: 5 });
    await databaseServer.start();
    outside = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        if (request.url === '/v1/traces') sent.push(...spansIn(Buffer.concat(chunks).toString()));
        else if (!request.url?.startsWith('/v1/'))
          asked.push({ path: request.url, traceparent: request.headers.traceparent });
        response.setHeader('content-type', 'application/json').end('{}');
      });
    });
    outside.listen(0, '127.0.0.1');
    await once(outside, 'listening');
    origin = `http://127.0.0.1:${(outside.address() as AddressInfo).port}`;
  });
  beforeEach(() => {
    sent = [];
    asked = [];
  });
  afterAll(async () => {
    outside.closeAllConnections();
    outside.close();
    await once(outside, 'close');
    await databaseServer.stop();
    await database.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const start = async (file: string) => {
    await build({
      ...OUTPUTS[file],
      entryPoints: [join(__dirname, 'programs/bundled-service.mjs')],
      outfile: join(folder, file),
      bundle: true,
      platform: 'node',
      target: 'node22',
      keepNames: true,
      external: OPTIONAL.flatMap((name) => [name, `${name}/*`]),
      // What users bundle is the package, not the sources that the repository's own settings lead to.
      tsconfigRaw: '{}',
      logLevel: 'error',
    });
    const { port: databasePort } = new URL(`tcp://${databaseServer.getServerConn()}`);
    return fork(join(folder, file), {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      env: {
        ...process.env,
        NODE_OPTIONS: '',
        DATABASE: `postgres://postgres:postgres@127.0.0.1:${databasePort}/postgres`,
        UPSTREAM: origin,
        COLLECTOR: origin,
      },
    });
  };

  it.each(Object.keys(OUTPUTS))(
    'records requests, handlers, calls and queries, and serves metrics and the dashboard (%s)',
    async (file) => {
      const service = await start(file);
      const exit = once(service, 'exit');
      const [port] = (await Promise.race([once(service, 'message'), exit])) as [number];
      const get = (path: string) => fetch(`http://127.0.0.1:${port}${path}`);

      expect(await (await get('/orders/7')).json()).toEqual({ id: 1 });
      expect(await (await get('/metrics')).text()).toMatch(
        /^http_server_request_duration_seconds_count\{.*http_route="\/orders\/:id"/m,
      );
      const page = await get('/telemetry/');
      expect(page.headers.get('content-type')).toContain('text/html');
      service.send('close');
      expect(await exit).toEqual([0, null]);

      const root = sent.find(({ name }) => name === 'GET /orders/:id');
      expect(treeBelow(root!, sent)).toEqual({
        'OrderController.find': { GET: {}, 'GET 2': {}, 'OrderService.find': { SELECT: {} } },
      });
      expect(asked).toEqual(
        ['/by-fetch', '/by-node'].map((path) => ({
          path,
          traceparent: expect.stringContaining(root!.traceId) as string,
        })),
      );
    },
  );
});

function spansIn(body: string): SentSpan[] {
  const { resourceSpans } = JSON.parse(body) as {
    resourceSpans: { scopeSpans: { spans: SentSpan[] }[] }[];
  };
  return resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans));
}

interface Tree {
  [name: string]: Tree;
}

/** Names of what is below a span; the second of a name is called so. A wait for a connection has a span when it took long. */
function treeBelow(span: SentSpan, spans: readonly SentSpan[]): Tree {
  const tree: Tree = {};
  for (const child of spans) {
    if (child.parentSpanId !== span.spanId || child.name === 'pg.pool.connect') continue;
    tree[child.name in tree ? `${child.name} 2` : child.name] = treeBelow(child, spans);
  }
  return tree;
}
