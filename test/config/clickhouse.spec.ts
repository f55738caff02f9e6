import { type TelemetryError } from '../../lib/errors/telemetry.error.js';
import { resolve } from './resolve.js';

const URL = 'http://clickhouse:8123';

describe('dashboard.source.clickhouse', () => {
  it('is off by default', () => {
    expect(resolve().dashboard?.clickhouse).toBeUndefined();
  });

  it('has the tables of the exporter, and limits', () => {
    const { dashboard, store } = resolve({ dashboard: { source: { clickhouse: { url: URL } } } });
    expect(dashboard?.clickhouse).toEqual({
      url: URL,
      username: 'default',
      password: '',
      database: 'default',
      tables: { traces: 'otel_traces', logs: 'otel_logs', metrics: 'otel_metrics' },
      tls: {},
      maxSeconds: 20,
      maxRows: 1e9,
      maxBytes: 1e11,
    });
    expect(store).toBeUndefined();
  });

  it('is on where the environment has an address, with user, password and database', () => {
    const variables = {
      TELEMETRY_CLICKHOUSE_URL: URL,
      TELEMETRY_CLICKHOUSE_USERNAME: 'reader',
      TELEMETRY_CLICKHOUSE_PASSWORD: 'secret',
      TELEMETRY_CLICKHOUSE_DATABASE: 'otel',
    };
    const wanted = { url: URL, username: 'reader', password: 'secret', database: 'otel' };
    expect(resolve({}, variables).dashboard?.clickhouse).toMatchObject(wanted);
    const byCode = {
      dashboard: { source: { clickhouse: { username: 'coded', tables: { logs: 'my_logs' } } } },
    };
    expect(resolve(byCode, variables).dashboard?.clickhouse).toMatchObject({
      ...wanted,
      username: 'coded',
      tables: { traces: 'otel_traces', logs: 'my_logs' },
    });
  });

  it('is no store, unless one is asked for', () => {
    const source = { clickhouse: { url: URL } };
    expect(resolve({ dashboard: { source } }).store).toBeUndefined();
    expect(resolve({ dashboard: { source }, store: true }).store).toBeDefined();
    expect(resolve({ dashboard: { source }, store: { file: 'x.db' } }).store).toBeDefined();
  });

  it('needs an address: the start says so', () => {
    let error: unknown;
    try {
      resolve({ dashboard: { source: { clickhouse: { username: 'reader' } } } });
    } catch (thrown) {
      error = thrown;
    }
    expect((error as TelemetryError).problems).toEqual([
      {
        name: 'dashboard.source.clickhouse.url',
        received: 'undefined',
        setIn: 'TelemetryModule.forRoot()',
        remedy:
          'Write the address of its HTTP interface, for example http://localhost:8123, or set TELEMETRY_CLICKHOUSE_URL.',
      },
    ]);
  });

  it('ignores an address in the environment that is none, with a warning and without its password', () => {
    const { dashboard, warnings } = resolve(
      {},
      { TELEMETRY_CLICKHOUSE_URL: 'http://me:secret@clickhouse:8123' },
    );
    expect(dashboard?.clickhouse).toBeUndefined();
    expect(warnings.join()).toContain('TELEMETRY_CLICKHOUSE_URL');
    expect(warnings.join()).not.toContain('secret');
  });
});
