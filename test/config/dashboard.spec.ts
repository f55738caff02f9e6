import { type TelemetryOptions } from '../../lib/config/telemetry-options.js';
import { TelemetryError } from '../../lib/errors/telemetry.error.js';
import { resolve } from './resolve.js';

const TOKEN = 'a-token-nobody-guesses';

const problemsOf = (options: TelemetryOptions, env: NodeJS.ProcessEnv = {}) => {
  try {
    resolve(options, env);
  } catch (error) {
    if (error instanceof TelemetryError) return error.problems;
    throw error;
  }
  return [];
};

describe('the dashboard', () => {
  it('is served in development, on /telemetry, to this machine only, with the token of the folder', () => {
    expect(resolve().dashboard).toEqual({
      path: '/telemetry',
      token: undefined,
      allowRemote: false,
      allowedHosts: [],
      otlp: false,
      mcp: true,
      profiling: true,
      editor: 'vscode://file/{file}:{line}',
    });
  });

  it.each(['production', 'prod', 'Production', 'test', 'staging', 'qa', 'ci', 'preview', 'dev-eu'])(
    'is not served in an environment of %s',
    (environment) => {
      expect(resolve({ environment }).dashboard).toBeUndefined();
      expect(resolve({ environment, dashboard: { path: '/look', token: TOKEN } }).dashboard).toBeUndefined();
    },
  );

  it('is served in production when code asks for it and there is a token', () => {
    const config = resolve({ environment: 'production', dashboard: { enabled: true, token: TOKEN } });
    expect(config.dashboard?.token).toBe(TOKEN);
    const byVariable = resolve(
      { environment: 'production', dashboard: true },
      { TELEMETRY_DASHBOARD_TOKEN: TOKEN },
    );
    expect(byVariable.dashboard?.token).toBe(TOKEN);
  });

  it('stops the start in production when code asks for it without a token', () => {
    expect(problemsOf({ environment: 'production', dashboard: true })).toEqual([
      {
        name: 'dashboard.token',
        received: 'undefined',
        setIn: 'TelemetryModule.forRoot()',
        remedy:
          'In production the dashboard requires a token: set dashboard.token or TELEMETRY_DASHBOARD_TOKEN.',
      },
    ]);
  });

  it('stays off with a warning in production when a variable asks for it without a token', () => {
    const config = resolve({ environment: 'production' }, { TELEMETRY_DASHBOARD: 'true' });
    expect(config.dashboard).toBeUndefined();
    expect(config.warnings).toEqual([
      expect.stringMatching(/^TELEMETRY_DASHBOARD .*TELEMETRY_DASHBOARD_TOKEN/),
    ]);
  });

  it('stays off with a warning that does not tell it when the token of the environment cannot be used', () => {
    const config = resolve({}, { TELEMETRY_DASHBOARD_TOKEN: 'short' });
    expect(config.dashboard).toBeUndefined();
    expect(config.warnings).toEqual([expect.stringMatching(/^TELEMETRY_DASHBOARD_TOKEN/)]);
    expect(config.warnings[0]).not.toContain('short');
  });

  it('is switched by code before the environment', () => {
    expect(resolve({ dashboard: false }, { TELEMETRY_DASHBOARD: 'true' }).dashboard).toBeUndefined();
    expect(resolve({}, { TELEMETRY_DASHBOARD: 'false' }).dashboard).toBeUndefined();
    expect(resolve({ environment: 'test', dashboard: true }).dashboard).toBeDefined();
  });

  it('is never recorded, wherever it is', () => {
    const ignored = resolve({
      dashboard: { path: '/look' },
      instrumentation: { httpServer: { ignore: ['/x'] } },
    });
    expect(ignored.instrumentation.httpServer?.ignore).toEqual(['/metrics', '/look', '/look/*', '/x']);
    expect(resolve({ dashboard: false }).instrumentation.httpServer?.ignore).not.toContain('/telemetry');
  });

  it('warns when everybody may see it', () => {
    const openTo = (dashboard: object, environment = 'development') =>
      resolve({ environment, dashboard: { enabled: true, ...dashboard } }).warnings;
    expect(openTo({ allowRemote: true, token: false })).toEqual([
      expect.stringMatching(/^dashboard\.token is false and dashboard\.allowRemote is true/),
    ]);
    expect(openTo({ token: false }, 'production')).toEqual([
      expect.stringMatching(/^dashboard\.token is false: in production/),
    ]);
    expect(openTo({ token: false })).toEqual([]);
    expect(openTo({ allowRemote: true })).toEqual([]);
    expect(openTo({ allowRemote: true, token: TOKEN })).toEqual([]);
    expect(openTo({})).toEqual([]);
  });

  it('serves the MCP server unless code or the environment turns it off', () => {
    const variable = { TELEMETRY_DASHBOARD_MCP: 'false' };
    expect(resolve({ dashboard: { mcp: false } }).dashboard?.mcp).toBe(false);
    expect(resolve({}, variable).dashboard?.mcp).toBe(false);
    expect(resolve({ dashboard: { mcp: true } }, variable).dashboard?.mcp).toBe(true);
  });

  it('needs no token where code turns it off, or the environment outside of production', () => {
    expect(resolve({ dashboard: { token: false } }).dashboard?.token).toBe(false);
    const variable = { TELEMETRY_DASHBOARD_TOKEN: 'false' };
    expect(resolve({}, variable).dashboard?.token).toBe(false);
    expect(resolve({ dashboard: { token: TOKEN } }, variable).dashboard?.token).toBe(TOKEN);
    const production = resolve({ environment: 'production', dashboard: true }, variable);
    expect(production.dashboard).toBeUndefined();
    expect(production.warnings).toEqual([expect.stringMatching(/^TELEMETRY_DASHBOARD_TOKEN/)]);
  });

  it('opens sources in the editor that was named, by an address, or not at all', () => {
    const editorOf = (editor: string | false) => resolve({ dashboard: { editor } }).dashboard?.editor;
    expect(editorOf('webstorm')).toBe('webstorm://open?file={file}&line={line}');
    expect(editorOf('idea://open?file={file}&line={line}')).toBe('idea://open?file={file}&line={line}');
    expect(editorOf(false)).toBeUndefined();
  });

  it('allows profiles outside of production, and in it where they are asked for', () => {
    const profilingIn = (environment: string, profiling?: boolean) =>
      resolve({
        environment,
        dashboard: { enabled: true, token: TOKEN, ...(profiling !== undefined && { profiling }) },
      }).dashboard?.profiling;
    expect([profilingIn('development'), profilingIn('staging'), profilingIn('production')]).toEqual([
      true,
      true,
      false,
    ]);
    expect([profilingIn('development', false), profilingIn('production', true)]).toEqual([false, true]);
  });

  it('opens no sources in production unless an editor is named', () => {
    const inProduction = (editor?: string) =>
      resolve({
        environment: 'production',
        dashboard: {
          enabled: true,
          token: TOKEN,
          ...(editor !== undefined && { editor }),
        },
      }).dashboard?.editor;
    expect(inProduction()).toBeUndefined();
    expect(inProduction('zed')).toBe('zed://file/{file}:{line}');
  });

  it.each([
    ['path', { path: 'telemetry' }],
    ['path', { path: '/telemetry/' }],
    ['path', { path: '/:x' }],
    ['token', { token: 'short' }],
    ['token', { token: 'with a space in the middle' }],
    ['token', { token: true }],
    ['token', { token: null }],
    ['allowedHosts[0]', { allowedHosts: ['http://dev.example.com'] }],
    ['allowedHosts[0]', { allowedHosts: ['dev.example.com:3000'] }],
    ['editor', { editor: 'javascript://alert(1)//{file}' }],
    ['editor', { editor: 'emacs' }],
    ['enabled', { enabled: 'yes' }],
    ['open', { open: true }],
  ])('refuses a wrong %s', (name, dashboard) => {
    const options = { dashboard } as unknown as TelemetryOptions; // wrong on purpose
    expect(problemsOf(options).map((problem) => problem.name)).toEqual([`dashboard.${name}`]);
  });

  it('never shows a token that is wrong', () => {
    expect(problemsOf({ dashboard: { token: 'secret but short' } })[0]?.received).toBe('(hidden)');
  });
});

describe('the store', () => {
  it('is kept in development, in a file of the working directory, within bounds', () => {
    expect(resolve().store).toEqual({
      file: '.telemetry/telemetry.db',
      maxAgeMs: 86_400_000,
      maxBytes: 268_435_456,
      maxSpans: 500_000,
      maxLogs: 500_000,
      maxPoints: 1_000_000,
    });
  });

  it.each(['production', 'test'])('is not kept in an environment of %s', (environment) => {
    expect(resolve({ environment }).store).toBeUndefined();
  });

  it('is kept wherever the dashboard is served, in tests in memory', () => {
    expect(resolve({ environment: 'test', dashboard: true }).store?.file).toBe(':memory:');
    const dashboard = { enabled: true, token: 'a-token-nobody-guesses' };
    expect(resolve({ environment: 'production', dashboard }).store?.file).toBe('.telemetry/telemetry.db');
  });

  it.each(['production', 'test'])('is kept in %s when a file or a bound is set for it', (environment) => {
    expect(resolve({ environment, store: { file: '/data/t.db' } }).store?.file).toBe('/data/t.db');
    expect(resolve({ environment, store: { maxAgeHours: 2 } }).store?.maxAgeMs).toBe(7_200_000);
    const env = { TELEMETRY_STORE_FILE: '/data/t.db' };
    expect(resolve({ environment }, env).store?.file).toBe('/data/t.db');
  });

  it('is not kept where a file is set but the store is switched off, or nothing in it is set', () => {
    const environment = 'production';
    const store = { file: '/data/t.db' };
    expect(resolve({ environment, store: { ...store, enabled: false } }).store).toBeUndefined();
    expect(resolve({ environment, store }, { TELEMETRY_STORE: 'false' }).store).toBeUndefined();
    expect(resolve({ environment, store: {} }).store).toBeUndefined();
  });

  it('takes file and bounds from code before the environment', () => {
    const env = { TELEMETRY_STORE_FILE: '/data/t.db' };
    expect(resolve({}, env).store?.file).toBe('/data/t.db');
    expect(resolve({ store: { file: ':memory:', maxAgeHours: 2 } }, env).store).toMatchObject({
      file: ':memory:',
      maxAgeMs: 7_200_000,
    });
  });

  it('is switched by code before the environment', () => {
    expect(resolve({ store: false }, { TELEMETRY_STORE: 'true' }).store).toBeUndefined();
    expect(resolve({}, { TELEMETRY_STORE: 'false' }).store).toBeUndefined();
    expect(resolve({ environment: 'production', store: true }).store).toBeDefined();
  });
});

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
