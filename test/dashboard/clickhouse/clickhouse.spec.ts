import { loadClickHousePackage } from '../../../lib/dashboard/clickhouse/clickhouse-package.js';
import {
  type ClosableReader,
  createClickHouseReader,
} from '../../../lib/dashboard/clickhouse/clickhouse-reader.js';
import { type DashboardError } from '../../../lib/dashboard/http/dashboard-error.js';
import { eventually } from '../../support/eventually.js';
import { freePort } from '../../support/free-port.js';
import { configOf, FakeClickHouse } from './fake-clickhouse.js';

const RANGE = { from: 1_795_910_400_000, to: 1_795_914_000_000 };

describe('the reader over ClickHouse', () => {
  let server: FakeClickHouse;
  const readers: ClosableReader[] = [];
  const open = (...given: Parameters<typeof configOf>): ClosableReader => {
    const reader = createClickHouseReader(configOf(...given));
    readers.push(reader);
    return reader;
  };
  const failureOf = async (reader: ClosableReader): Promise<DashboardError> =>
    reader.services(RANGE).then(
      () => {
        throw new Error('it answered');
      },
      (error: unknown) => error as DashboardError, // as it rejects
    );

  beforeEach(async () => {
    server = await FakeClickHouse.start();
  });
  afterEach(async () => {
    for (const reader of readers.splice(0)) reader.close();
    await server.stop();
  });

  it('only reads, within the limits of the configuration', async () => {
    const limits = { maxSeconds: 7, maxRows: 5_000, maxBytes: 2e6 };
    expect(await open(server.url, limits).services(RANGE)).toEqual([]);
    expect(server.asked.length).toBeGreaterThan(0);
    for (const { text, parameters } of server.asked) {
      expect(text).toMatch(/^SELECT /);
      expect(Object.fromEntries(parameters)).toMatchObject({
        readonly: '2',
        max_execution_time: '7',
        max_rows_to_read: '5000',
        max_bytes_to_read: '2000000',
        cancel_http_readonly_queries_on_client_close: '1',
      });
    }
  });

  it('binds what was asked for as parameters, and has none of it in the text of a query', async () => {
    server.answer = (response, { text }) =>
      response.end(
        text.includes(' AS rows') ? '{"first":1795910400000000,"last":1795913000000000,"rows":1}\n' : '',
      );
    const text = "x' OR 1=1 --";
    await open(server.url).traces({
      service: text,
      route: text,
      text,
      attributes: [{ key: text, value: text }],
    });
    await open(server.url).logs({ service: text, context: text, fields: [{ key: text, value: text }] });
    await open(server.url).errors({ ...RANGE, service: text, buckets: 2 });
    expect(server.asked.length).toBeGreaterThan(4);
    expect(server.asked.filter((query) => query.text.includes('OR 1=1'))).toEqual([]);
    expect(
      server.asked.some(({ parameters }) =>
        [...parameters.values()].some((value) => value.includes('OR 1=1')),
      ),
    ).toBe(true);
  });

  it('reads the tables of the configuration', async () => {
    const tables = { traces: 'my_spans', logs: 'my_lines', metrics: 'my_metrics' };
    await open(server.url, { database: 'my_db', tables }).health();
    const texts = server.asked.map(({ text }) => text).join('\n');
    for (const table of [
      'my_spans',
      'my_lines',
      'my_metrics_gauge',
      'my_metrics_sum',
      'my_metrics_histogram',
    ])
      expect(texts).toContain(`\`my_db\`.\`${table}\``);
  });

  describe('when the server closes a connection before it answers', () => {
    const question = (reader: ClosableReader) => reader.instruments(undefined);
    /** Connections on which it has answered. */
    const used = new Set<unknown>();
    beforeEach(() => {
      used.clear();
    });

    it('asks once more on another connection, where that one was kept alive', async () => {
      server.answer = (response) => {
        const { socket } = response.req;
        if (used.has(socket)) socket.resetAndDestroy();
        else response.end();
        used.add(socket);
      };
      const reader = open(server.url);
      for (let index = 0; index < 3; index += 1) expect(await question(reader)).toEqual([]);
      expect(used.size).toBeGreaterThan(2);
      expect(server.asked.length).toBeGreaterThan(used.size);
    });

    it('asks no third time', async () => {
      const reader = open(server.url);
      await question(reader);
      const each = server.asked.length;
      server.answer = (response) => response.req.socket.resetAndDestroy();
      await expect(question(reader)).rejects.toThrow('cannot be reached');
      expect(server.asked).toHaveLength(3 * each);
    });

    it('asks once where it never answered', async () => {
      const reader = open(server.url);
      server.answer = (response) => response.req.socket.resetAndDestroy();
      await expect(question(reader)).rejects.toThrow('cannot be reached');
      const each = new Set(server.asked.map(({ text }) => text)).size;
      expect(server.asked).toHaveLength(each);
    });
  });

  it('ends the query when the visitor leaves', async () => {
    server.answer = () => undefined;
    const abort = new AbortController();
    const answer = open(server.url).traces({}, { signal: abort.signal });
    await eventually('the query to arrive', async () => server.asked.length > 0);
    const reason = new Error('left');
    abort.abort(reason);
    await expect(answer).rejects.toBe(reason);
    await eventually('the connection to end', async () => server.left > 0);
  });

  it.each([
    [
      516,
      'AUTHENTICATION_FAILED',
      'reader: Authentication failed: password is incorrect, or there is no user with such name',
      'refused the user "reader": check dashboard.source.clickhouse.username and dashboard.source.clickhouse.password',
    ],
    [497, 'ACCESS_DENIED', 'Not enough privileges', 'run GRANT SELECT ON otel.* TO reader'],
    [81, 'UNKNOWN_DATABASE', 'Database otel does not exist', 'has no database "otel"'],
    [
      60,
      'UNKNOWN_TABLE',
      "Unknown table expression identifier 'otel.otel_traces' in scope SELECT 1",
      "has no table otel.otel_traces: the Collector's clickhouse exporter makes it",
    ],
    [47, 'UNKNOWN_IDENTIFIER', "Unknown identifier 'SpanAttributes'", 'are not those of the Collector'],
    [
      164,
      'READONLY',
      "Cannot modify 'max_execution_time' setting in readonly mode",
      'a profile with readonly = 2',
    ],
    [159, 'TIMEOUT_EXCEEDED', 'Timeout exceeded: elapsed 20 seconds', 'did not answer within 20 s'],
    [158, 'TOO_MANY_ROWS', 'Limit for rows exceeded', 'choose a shorter time or a service'],
    [241, 'MEMORY_LIMIT_EXCEEDED', 'Memory limit exceeded', 'choose a shorter time or a service'],
    [202, 'TOO_MANY_SIMULTANEOUS_QUERIES', 'Too many simultaneous queries', 'try again'],
    [999, 'KEEPER_EXCEPTION', 'Session expired', 'could not answer: Session expired'],
  ])(
    'says of code %s (%s) what is wrong and what to do, without the password',
    async (code, name, message, wanted) => {
      server.refuse(code, name, message);
      const { status, message: said } = await failureOf(open(server.url));
      expect(said).toContain(wanted);
      expect(said).toContain(code === 158 || code === 241 ? 'maxRows' : server.url);
      expect(said).not.toContain('a-secret-password');
      expect(status).toBeGreaterThanOrEqual(502);
    },
  );

  it('says that nothing listens', async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    const { status, message } = await failureOf(open(url));
    expect([status, message]).toEqual([
      502,
      expect.stringMatching(
        /^ClickHouse at http:\/\/127\.0\.0\.1:\d+ cannot be reached \(ECONNREFUSED.*check dashboard\.source\.clickhouse\.url or TELEMETRY_CLICKHOUSE_URL/,
      ),
    ]);
  });

  it('says that something else answers', async () => {
    server.answer = (response) => {
      response.writeHead(404, { 'content-type': 'text/html' });
      response.end('<html>nginx</html>');
    };
    expect((await failureOf(open(server.url))).message).toContain('did not answer as ClickHouse does');
  });

  it('says that the server died within an answer, and answers again when it is back', async () => {
    server.answer = (response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write('{"name":"orders"');
      setImmediate(() => response.destroy());
    };
    const reader = open(server.url);
    expect((await failureOf(reader)).message).toContain('cannot be reached');
    server.answer = (response) => response.end();
    expect(await reader.services(RANGE)).toEqual([]);
  });

  it('says that an answer takes too long', async () => {
    server.answer = () => undefined;
    // The server has 5 s more to say it first.
    const { status, message } = await failureOf(open(server.url, { maxSeconds: 0.1 }));
    expect([status, message]).toEqual([504, expect.stringContaining('did not answer within 0.1 s')]);
  });
});

describe('the client of ClickHouse', () => {
  it('is asked for with the command that installs it, where the application has none', () => {
    expect(() => loadClickHousePackage(() => undefined)).toThrow(
      /needs the package @clickhouse\/client, which is not installed: run `npm install @clickhouse\/client@1`/,
    );
  });

  it.each([
    ['cannot be loaded', new Error('broken')],
    ['is a version without what is needed', {}],
  ])('is asked for where it %s', (_what, loaded) => {
    const require = (): unknown => {
      if (loaded instanceof Error) throw loaded;
      return loaded;
    };
    expect(() => loadClickHousePackage(() => require)).toThrow(/run `npm install/);
  });
});
