import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';

import { ask } from '../../lib/cli/doctor/ask.js';
import { eventually } from '../support/eventually.js';

const LIMIT = 32 * 2 ** 20;

describe('an answer that doctor reads', () => {
  let server: Server;
  let answer: (response: ServerResponse) => void;
  beforeEach(async () => {
    server = createServer((_request, response) => {
      answer(response);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const url = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  it('ends at 32 MB where the other side sends without end, and the connection is closed', async () => {
    const chunk = Buffer.alloc(2 ** 20, 'x');
    let sent = 0;
    let isClosed = false;
    answer = (response) => {
      response.on('close', () => (isClosed = true));
      const send = (): void => {
        if (isClosed) return;
        sent += chunk.byteLength;
        response.write(chunk, send);
      };
      send();
    };
    const { error, ...got } = await ask(url(), { timeoutMs: 60_000 });
    expect(error).toBeUndefined();
    expect(got).toMatchObject({ status: 200 });
    expect((got as { text: string }).text).toHaveLength(LIMIT);
    await eventually('the connection is closed', () => isClosed);
    expect(sent).toBeLessThan(2 * LIMIT);
  });

  it('has characters whole that came in two pieces', async () => {
    const text = 'für 5 €';
    const bytes = Buffer.from(text);
    answer = (response) => {
      response.write(bytes.subarray(0, bytes.length - 1), () => {
        setImmediate(() => response.end(bytes.subarray(bytes.length - 1)));
      });
    };
    expect(await ask(url())).toMatchObject({ status: 200, text });
  });

  it('is empty where nothing is sent', async () => {
    answer = (response) => response.writeHead(204).end();
    expect(await ask(url())).toMatchObject({ status: 204, text: '' });
  });

  it('is not there where the other side stops in the middle', async () => {
    answer = (response) => response.write('half');
    expect(await ask(url(), { timeoutMs: 300 })).toEqual({ error: 'no answer within 0.3 s' });
  });
});
