import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import {
  type ClientHttp2Session,
  connect as connectHttp2,
  createServer as createHttp2Server,
  type Http2Server,
} from 'node:http2';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { gzipSync } from 'node:zlib';

import { type HttpRequest } from '../../../lib/dashboard/http/http-exchange.interface.js';
import { type TelemetryStore } from '../../../lib/dashboard/sqlite/store.js';
import { canMakeCertificates, makeCertificate } from '../../support/certificate.js';
import { statusFrom } from '../../support/status-from.js';
import { createDashboard, serveDashboard, type ServedDashboard } from '../serve-dashboard.js';
import { cleanUp, openTestStore } from '../sqlite/open-test-store.js';

const MEGABYTES = 1_024 * 1_024;
const PATH = '/telemetry/otlp/v1/traces';
const HEAD = `POST ${PATH} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n`;

let store: TelemetryStore;
let dashboard: ServedDashboard;

beforeEach(async () => {
  store = openTestStore();
  dashboard = await serveDashboard(store);
});

afterEach(async () => {
  await dashboard.close();
  await cleanUp();
});

interface Sending {
  readonly port?: number;
  readonly pieces: number;
  readonly chunked?: boolean;
  readonly tls?: boolean;
}

/**
 * Sends a head and pieces of a megabyte, as fast as the connection takes them, and reads the answer only then.
 * In a thread of its own: its bytes are on their way while the dashboard answers.
 */
async function sendInThread(
  head: string,
  { port = dashboard.port, pieces, chunked = false, tls = false }: Sending,
): Promise<{ readonly answer: string }> {
  const client = new Worker(
    `const { parentPort, workerData: { port, head, pieces, chunked, tls } } = require('node:worker_threads');
     const piece = Buffer.alloc(1048576, ' ');
     const data = chunked ? Buffer.concat([Buffer.from('100000\\r\\n'), piece, Buffer.from('\\r\\n')]) : piece;
     const options = { port, host: '127.0.0.1', rejectUnauthorized: false };
     const socket = require(tls ? 'node:tls' : 'node:net').connect(options).pause();
     let answer = '', left = pieces;
     // A reset is what some tests are about.
     socket.on('data', (bytes) => (answer += bytes)).on('error', () => undefined);
     socket.on('close', () => parentPort.postMessage({ answer }));
     const write = () => {
       if (left-- === 0) socket.resume();
       else socket.write(data, (error) => { if (!error) write(); });
     };
     socket.write(head, write);`,
    { eval: true, workerData: { port, head, pieces, chunked, tls } },
  );
  const [result] = (await once(client, 'message')) as [{ answer: string }];
  await client.terminate();
  return result;
}

/** A server for `createDashboard()` and the connections of its clients. */
async function listen(server: Server | Http2Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

describe('an answer before the end of the body', () => {
  it.each([
    ['whose length is known', `content-length: ${40 * MEGABYTES}`, false],
    ['in chunks', 'transfer-encoding: chunked', true],
  ])('reaches a client that sends a large body %s before it reads', async (_body, header, chunked) => {
    const { answer } = await sendInThread(`${HEAD}${header}\r\n\r\n`, { pieces: 40, chunked });
    expect(answer).toMatch(/^HTTP\/1.1 413 [^]*\r\nconnection: close\r\n[^]*"code":8/i);
  });

  it('reaches a client that is rejected before its body is read', async () => {
    const head = `${HEAD.replace('application/json', 'text/plain')}content-length: ${40 * MEGABYTES}\r\n\r\n`;
    const { answer } = await sendInThread(head, { pieces: 40 });
    expect(answer).toMatch(/^HTTP\/1.1 415 [^]*\r\nconnection: close\r\n[^]*"status":415/i);
  });

  const itTls = canMakeCertificates ? it : it.skip;
  const why = canMakeCertificates ? '' : ' (SKIPPED: openssl is not installed)';
  itTls(`reaches a client that sends a large body over TLS before it reads${why}`, async () => {
    const server = createTlsServer(makeCertificate(), createDashboard(store).serve);
    const sent = { port: await listen(server), pieces: 40, tls: true };
    const { answer } = await sendInThread(`${HEAD}content-length: ${40 * MEGABYTES}\r\n\r\n`, sent);
    expect(answer).toMatch(/^HTTP\/1.1 413 [^]*"code":8/i);
    await new Promise((resolve) => server.close(resolve));
  });

  it('ends the connection of a client that never stops, and reads no more than 64 MiB of it', async () => {
    let received: Socket | undefined;
    const server = createServer(createDashboard(store).serve).on('connection', (socket) => {
      received = socket;
    });
    const port = await listen(server);
    const startedAt = performance.now();
    await sendInThread(`${HEAD}transfer-encoding: chunked\r\n\r\n`, {
      port,
      pieces: Infinity,
      chunked: true,
    });
    expect(performance.now() - startedAt).toBeGreaterThan(1_900);
    // 16 MiB of it were read before the answer.
    expect(received?.bytesRead).toBeLessThan(90 * MEGABYTES);
    await new Promise((resolve) => server.close(resolve));
  });

  it('does not delay the end of the application', async () => {
    // Time stands still: only close() can end the connection.
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'performance'] });
    try {
      const closing = createDashboard(store);
      const server = createServer(closing.serve);
      const client = connect({ port: await listen(server), host: '127.0.0.1', allowHalfOpen: true });
      client.write(`${HEAD}content-length: ${40 * MEGABYTES}\r\n\r\n`);
      expect(await statusFrom(client)).toBe(413);
      const closed = once(server, 'close');
      server.close();
      closing.close();
      await closed;
      client.destroy();
    } finally {
      jest.useRealTimers();
    }
  });

  it('keeps the connection where nothing is unread', async () => {
    const tooMany = gzipSync(Buffer.alloc(4 * MEGABYTES, Buffer.from([0x0a, 0])));
    const answers = [
      await fetch(`http://127.0.0.1:${dashboard.port}/telemetry/api/v1/nothing`),
      await dashboard.otlp('traces', Buffer.from('{')),
      await dashboard.otlp('traces', tooMany, {
        'content-type': 'application/x-protobuf',
        'content-encoding': 'gzip',
      }),
    ];
    expect(answers.map(({ status, headers }) => [status, headers.get('connection')])).toEqual(
      [404, 400, 413].map((status) => [status, 'keep-alive']),
    );
  });
});

describe('an answer before the end of the body over HTTP/2', () => {
  let server: Http2Server;
  let session: ClientHttp2Session;
  const warned = jest.fn();

  beforeEach(async () => {
    process.on('warning', warned);
    const { serve } = createDashboard(store);
    server = createHttp2Server((request, response) => {
      // The types of the streams differ in what `read()` returns.
      serve(request as unknown as HttpRequest, response);
    });
    session = connectHttp2(`http://127.0.0.1:${await listen(server)}`);
  });

  afterEach(async () => {
    process.off('warning', warned);
    session.destroy();
    await new Promise((resolve) => server.close(resolve));
  });

  /** Sends a body and resolves to the status and the code with which the stream was closed. */
  async function send(bytes: number): Promise<[number | undefined, number | undefined]> {
    const stream = session.request({
      ':method': 'POST',
      ':path': PATH,
      host: 'localhost',
      'content-type': 'application/json',
    });
    let status: number | undefined;
    stream.on('response', (headers) => (status = headers[':status']));
    // The rest of the body is not sent.
    stream.on('error', () => undefined).resume();
    stream.end(Buffer.concat([Buffer.from('{"resourceSpans":[]}'), Buffer.alloc(bytes, ' ')]));
    await once(stream, 'close');
    return [status, stream.rstCode];
  }

  it('ends the stream, and leaves the session to other requests', async () => {
    for (let round = 0; round < 5; round += 1) expect(await send(17 * MEGABYTES)).toEqual([413, 0]);
    expect(await send(MEGABYTES)).toEqual([200, 0]);
    expect(warned).not.toHaveBeenCalled();
  });
});
