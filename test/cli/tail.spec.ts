import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';

import { followPage } from '../../lib/cli/tail/follow-page.js';
import { createRenderer } from '../../lib/cli/tail/render-item.js';
import { eventually } from '../support/eventually.js';

describe('an item of a page in the terminal', () => {
  const render = createRenderer({ level: 'trace', service: undefined, colours: false });

  it('has no control character of what was recorded, whatever part of it has one', () => {
    const evil = '\u001b[2J\u009b31m\r';
    const log = {
      level: `info${evil}`,
      service: evil,
      context: evil,
      message: evil,
      traceId: evil,
      attributes: { [evil]: evil },
    };
    const trace = {
      traceId: evil,
      service: evil,
      name: evil,
      status: evil,
      errorCount: 1,
      start: 0,
      durationMs: 1,
    };
    const lines = [render({ type: 'log', log: { ...log, time: 0 } }), render({ type: 'trace', trace })];
    for (const line of lines) expect(line).toMatch(/^[^\p{Cc}]+$/u);
  });
});

describe('following a page', () => {
  let server: Server;
  const ending = new AbortController();
  afterEach(async () => {
    ending.abort();
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });

  it('is tried again where a connection is open and nothing comes over it', async () => {
    server = createServer((_, response) => {
      response.flushHeaders();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const lost: string[] = [];
    const following = followPage({
      page: new URL(`http://127.0.0.1:${port}/telemetry`),
      token: () => undefined,
      signal: ending.signal,
      silenceMs: 20,
      onItem: () => undefined,
      onOpen: () => undefined,
      onLost: (reason) => lost.push(reason),
    });
    await eventually(() => lost.length > 0);
    expect(lost[0]).toBe('no sign of life within 0.02 s');
    ending.abort();
    await following;
  });
});
