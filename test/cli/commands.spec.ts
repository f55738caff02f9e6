import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';

import { runClickHouse } from '../../lib/cli/clickhouse-command.js';
import { followPage } from '../../lib/cli/tail/follow-page.js';
import { createRenderer } from '../../lib/cli/tail/render-item.js';
import { eventually } from '../support/eventually.js';

describe('nestjs-telemetry clickhouse', () => {
  const variables = { ...process.env };
  beforeEach(() => {
    for (const name of Object.keys(process.env))
      if (name.startsWith('TELEMETRY_CLICKHOUSE_')) Reflect.deleteProperty(process.env, name);
  });
  afterEach(() => {
    process.env = { ...variables };
    jest.restoreAllMocks();
  });

  const print = async (...args: string[]): Promise<string> => {
    let printed = '';
    jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
      printed += String(text);
      return true;
    });
    expect(await runClickHouse(args)).toBe(0);
    return printed;
  };

  it('prints the statements of the rollups, of the database and with the deletion that are asked for', async () => {
    process.env.TELEMETRY_CLICKHOUSE_DATABASE = 'fleet';
    const printed = await print('init', '--ttl', '30');
    const statements = printed.split(/;\n+/).filter((text) => text !== '');
    expect(
      statements.filter((text) => text.startsWith('CREATE TABLE IF NOT EXISTS `fleet`.`otel_')),
    ).toHaveLength(7);
    expect(
      statements.filter((text) => text.startsWith('CREATE MATERIALIZED VIEW IF NOT EXISTS `fleet`.')),
    ).toHaveLength(6);
    expect(
      statements.filter((text) => text.startsWith('CREATE') && text.includes('INTERVAL 30 DAY')),
    ).toHaveLength(6);
    // Of tables that are there already.
    expect(
      statements.filter((text) => /^ALTER TABLE .* MODIFY TTL .* INTERVAL 30 DAY$/.test(text)),
    ).toHaveLength(6);
  });

  it('prints statements that delete nothing where no age is given', async () => {
    expect(await print('init')).not.toContain('TTL');
  });

  it.each([
    [['start'], 'There is no "clickhouse start"'],
    [['init', '--backfill'], 'add --apply'],
    [['init', '--reset'], 'add --apply'],
    [['init', '--apply'], 'set --clickhouse or TELEMETRY_CLICKHOUSE_URL'],
    [['init', '--ttl', '0.5'], '--ttl must be a whole number of days from 1 to 3650, not "0.5"'],
    [['init', '--ttl', 'soon'], '--ttl must be a number, not "soon"'],
  ])('refuses %j, and says what to do', async (args, message) => {
    await expect(runClickHouse(args)).rejects.toThrow(message);
  });
});

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
