import type { ConfigurationProblem } from '../errors/telemetry.error.js';
import {
  type ClickHouseConfig,
  type ClickHouseOptions,
  clickHouseRule,
  type ClickHouseValues,
  resolveClickHouse,
} from './clickhouse.js';
import {
  decide,
  decideAll,
  frozenList,
  option,
  type OptionsOf,
  type Resolved,
  type ValuesIn,
} from './declare-options.js';
import { isDevelopment, isProduction } from './identity.js';
import { flag, flagOr, HIDDEN, listOf, must, type OptionRule, renderKind, shape } from './option-rules.js';

/** Addresses that editors open, by the name of the editor. */
const EDITOR_ADDRESSES = {
  vscode: 'vscode://file/{file}:{line}',
  cursor: 'cursor://file/{file}:{line}',
  webstorm: 'webstorm://open?file={file}&line={line}',
  zed: 'zed://file/{file}:{line}',
} as const;

/** Editors whose links are known; any other value is an address with `{file}` and `{line}` in it. */
export type DashboardEditor = keyof typeof EDITOR_ADDRESSES;

/** Where the page reads telemetry, instead of the embedded store. */
export interface DashboardSource {
  /**
   * A ClickHouse whose tables the Collector's `clickhouse` exporter fills, for the telemetry of a fleet. Needs the package
   * `@clickhouse/client` 1, which is loaded with the first request.
   *
   * Default none. Env `TELEMETRY_CLICKHOUSE_URL`.
   */
  clickhouse?: ClickHouseOptions;
}

/** The page that shows the stored telemetry, and who may see it. */
export interface DashboardOptions {
  /**
   * Serves the dashboard. In production (`production`, `prod`) it also needs a token.
   *
   * `development` is also the default environment; a test is an environment of `test`.
   *
   * Default `true` in `development`, `false` elsewhere. Env `TELEMETRY_DASHBOARD`.
   */
  enabled?: boolean;
  /** Path on the application's own port; a global prefix or version never changes it. Default `/telemetry`. */
  path?: string;
  /**
   * Token that a visitor must send: `Authorization: Bearer <token>`, or once `<path>/#token=<token>` in the browser. `false`: no token
   * is needed.
   *
   * At least 16 printable ASCII characters without spaces. The address with `#token=` sets a cookie. With `false` anyone who
   * reaches the port sees logs and traces, also through a proxy on this machine. `false` in the environment is ignored in production.
   *
   * Default: a random one, stored in `dashboard-token` beside the store (mode 0600) and printed at start; in production none.
   * Env `TELEMETRY_DASHBOARD_TOKEN`.
   */
  token?: string | false;
  /** Answers requests from other machines too. Default `false`. */
  allowRemote?: boolean;
  /** Names in the `Host` header that are answered in addition to `localhost`, `127.0.0.1` and `[::1]`, without port. Default none. */
  allowedHosts?: readonly string[];
  /**
   * Receives OTLP over HTTP on `<path>/otlp/v1/{traces,metrics,logs}`, so that services in other languages are shown.
   * Default `false`.
   */
  otlp?: boolean;
  /**
   * Serves what the page shows to coding agents, as a read-only MCP server on `<path>/mcp`, with the same token and rules.
   *
   * Needs the package `@modelcontextprotocol/server` 2, which is loaded with the first request.
   *
   * Default `true`. Env `TELEMETRY_DASHBOARD_MCP`.
   */
  mcp?: boolean;
  /**
   * Lets the page record CPU profiles and take heap snapshots of the process that serves it, with a token only; and pages of other
   * processes that have the same store open record CPU profiles of this one.
   *
   * A heap snapshot contains everything that is in memory, secrets too, and the process stands still while it is written.
   *
   * Default `true`; `false` in production. Env `TELEMETRY_DASHBOARD_PROFILING`.
   */
  profiling?: boolean;
  /**
   * Editor that opens the source of a span: `vscode`, `cursor`, `webstorm`, `zed`, an address with `{file}` and `{line}`, or `false`
   * for no links.
   *
   * Locating sources blocks the event loop once, for about 100 ms, when the page is opened.
   *
   * Default `vscode`; `false` in production.
   */
  editor?: DashboardEditor | (string & {}) | false;
  /**
   * Another database behind the page. The embedded store is then off, unless an option of it is set.
   *
   * Default: the embedded store.
   */
  source?: DashboardSource;
}

/** Options for the dashboard. */
export interface DashboardSection {
  /**
   * The page that shows the recorded telemetry, on the application's own port. `true` in production needs a token.
   * Default: on in `development` only, for this machine only, with a token. Env `TELEMETRY_DASHBOARD`, `TELEMETRY_DASHBOARD_TOKEN`.
   */
  dashboard?: boolean | DashboardOptions;
}

/** `dashboard`, resolved; the hosts are in lower case. */
export interface DashboardConfig extends Resolved<
  Omit<DashboardOptions, 'enabled' | 'token' | 'profiling' | 'editor' | 'source'>
> {
  /** undefined: the random token in the folder of the store. false: no token is needed. */
  readonly token: string | false | undefined;
  readonly profiling: boolean;
  /** An address with `{file}` and `{line}`; undefined for no links. */
  readonly editor: string | undefined;
  /** undefined: the embedded store. */
  readonly clickhouse: ClickHouseConfig | undefined;
}

/** A shorter token could be guessed. */
const MIN_TOKEN_LENGTH = 16;

/** Printable ASCII without spaces: what fits into a header and an address alike. */
const token: OptionRule = {
  check: (value, name, report) => {
    if (value === false) return;
    if (typeof value !== 'string')
      report(
        name,
        renderKind(value),
        'Write the token as a text, and check that its source is set; or write false for a dashboard without a token.',
      );
    else if (!isDashboardToken(value))
      report(
        name,
        HIDDEN,
        `Write at least ${MIN_TOKEN_LENGTH} letters, digits or signs without spaces, for example from openssl rand -hex 24.`,
      );
  },
};

const SOURCE = {
  clickhouse: option(clickHouseRule, { see: 'clickhouse.md' }),
} satisfies OptionsOf<DashboardSource>;

const DASHBOARD = {
  enabled: option(flag, {
    env: {
      TELEMETRY_DASHBOARD: {
        kind: 'boolean',
        meaning: 'Serves the dashboard; in production it also needs `TELEMETRY_DASHBOARD_TOKEN`.',
      },
    },
  }),
  path: option(
    must(
      (value) => typeof value === 'string' && /^(\/[\w.~-]+)+$/.test(value),
      'Write a path that starts with a slash and does not end in one, without parameters, for example /telemetry.',
    ),
    { default: '/telemetry' },
  ),
  token: option(token, {
    env: {
      TELEMETRY_DASHBOARD_TOKEN: {
        kind: 'text',
        meaning:
          'Token that the dashboard requires, at least 16 characters without spaces. `false`: no token is needed (ignored in production).',
      },
    },
  }),
  allowRemote: option(flag, { default: false }),
  allowedHosts: listOf(
    must(
      (value) => typeof value === 'string' && /^([\w.-]+|\[[\da-f:.]+\])$/i.test(value),
      'Write a host name or an IP address without port, for example dev.example.com.',
    ),
    'host names',
  ),
  otlp: option(flag, { default: false }),
  mcp: option(flag, {
    default: true,
    env: {
      TELEMETRY_DASHBOARD_MCP: {
        kind: 'boolean',
        meaning: 'Serves the MCP server of the dashboard, where the dashboard is served.',
      },
    },
    see: 'mcp.md',
  }),
  profiling: option(flag, {
    env: {
      TELEMETRY_DASHBOARD_PROFILING: {
        kind: 'boolean',
        meaning: 'Lets the page record CPU profiles and take heap snapshots of the process that serves it.',
      },
    },
    see: 'dashboard.md#profiles',
  }),
  editor: must(
    (value) => value === false || (typeof value === 'string' && isEditor(value)),
    `Write one of ${Object.keys(EDITOR_ADDRESSES).join(', ')}, an address with {file} and {line} in it, or false.`,
  ),
  source: shape(SOURCE, "an object, for example { clickhouse: { url: 'http://localhost:8123' } }"),
} satisfies OptionsOf<DashboardOptions>;

export const DASHBOARD_SECTION = {
  dashboard: option(
    flagOr(shape(DASHBOARD, "true, false or an object, for example { path: '/telemetry' }")),
    {
      see: 'dashboard.md',
    },
  ),
} satisfies OptionsOf<DashboardSection>;

export type DashboardValues = ValuesIn<typeof DASHBOARD> & ClickHouseValues;

/** Whether a token is one that can be sent, and hard to guess. */
function isDashboardToken(value: string): boolean {
  return value.length >= MIN_TOKEN_LENGTH && /^[!-~]+$/.test(value);
}

/** Not every address is one for an editor: some are code. */
function isEditor(value: string): boolean {
  if (value in EDITOR_ADDRESSES) return true;
  return (
    /^[a-z][a-z\d+.-]*:\/\/\S+$/i.test(value) &&
    !/^(javascript|data|vbscript|blob):/i.test(value) &&
    value.includes('{file}')
  );
}

/** The dashboard, or why it is not served. */
interface ResolvedDashboard {
  /** undefined: it is not served. */
  readonly dashboard?: DashboardConfig;
  /** Problems that stop the start. */
  readonly problems?: readonly ConfigurationProblem[];
  /** Sentences about variables that could not be used. */
  readonly warnings?: readonly string[];
}

const MISSING_TOKEN =
  'In production the dashboard requires a token: set dashboard.token or TELEMETRY_DASHBOARD_TOKEN.';

const MISSING_URL =
  'Write the address of its HTTP interface, for example http://localhost:8123, or set TELEMETRY_CLICKHOUSE_URL.';

const UNUSABLE_TOKEN =
  `TELEMETRY_DASHBOARD_TOKEN in the environment is ${HIDDEN}, which cannot be used, and the dashboard is not served. ` +
  'Write at least 16 letters, digits or signs without spaces, for example from openssl rand -hex 24.';

const OPEN_TO_ALL =
  'dashboard.token is false and dashboard.allowRemote is true: anyone who can reach the port sees logs and traces. ' +
  'Remove dashboard.token: false, or set a token.';

const OPEN_IN_PRODUCTION =
  'dashboard.token is false: in production, anyone who can reach the dashboard sees logs and traces, also through a ' +
  'proxy on this machine. Set dashboard.token or TELEMETRY_DASHBOARD_TOKEN.';

/** Value of TELEMETRY_DASHBOARD_TOKEN that serves the dashboard without a token. */
const OPEN = 'false';

/**
 * Decides whether the dashboard is served, where, and to whom. In production a missing token stops
 * the start when code asks for the dashboard; when the environment asks for it, that is a warning
 * and the dashboard stays off.
 */
export function resolveDashboard(
  { dashboard: given }: DashboardSection,
  env: DashboardValues,
  environment: string,
  setIn: string,
): ResolvedDashboard {
  const chosen: DashboardOptions =
    typeof given === 'object' ? given : given === undefined ? {} : { enabled: given };
  const enabled = decide(DASHBOARD.enabled, chosen.enabled, env) ?? isDevelopment(environment);
  if (!enabled) return {};
  if (
    chosen.source?.clickhouse !== undefined &&
    resolveClickHouse(chosen.source.clickhouse, env) === undefined
  )
    return {
      problems: [
        { name: 'dashboard.source.clickhouse.url', received: 'undefined', setIn, remedy: MISSING_URL },
      ],
    };
  const production = isProduction(environment);
  const fromEnvironment = env.TELEMETRY_DASHBOARD_TOKEN;
  // Only code may open the dashboard in production: a variable is set too easily in the wrong place.
  const token = chosen.token ?? (fromEnvironment === OPEN && !production ? false : fromEnvironment);
  if (chosen.token === undefined && typeof token === 'string' && !isDashboardToken(token))
    return { warnings: [UNUSABLE_TOKEN] };
  if (token !== undefined || !production)
    return {
      dashboard: withDefaults(chosen, env, token, environment),
      warnings: token === false ? warningsOfOpen(chosen, production) : [],
    };
  if (chosen.enabled === true)
    return {
      problems: [{ name: 'dashboard.token', received: 'undefined', setIn, remedy: MISSING_TOKEN }],
    };
  return {
    warnings: [
      `TELEMETRY_DASHBOARD in the environment is true, and the dashboard is not served. ${MISSING_TOKEN}`,
    ],
  };
}

function warningsOfOpen({ allowRemote }: DashboardOptions, production: boolean): readonly string[] {
  if (production) return [OPEN_IN_PRODUCTION];
  return allowRemote === true ? [OPEN_TO_ALL] : [];
}

function withDefaults(
  chosen: DashboardOptions,
  env: DashboardValues,
  token: string | false | undefined,
  environment: string,
): DashboardConfig {
  const {
    path,
    allowRemote,
    allowedHosts = [],
    otlp,
    mcp,
    profiling,
    editor,
  } = decideAll(DASHBOARD, chosen, env);
  // Off in production: editor links are of no use there, and locating sources blocks the event loop.
  const usedEditor = editor ?? (isProduction(environment) ? false : 'vscode');
  const addresses: Readonly<Record<string, string>> = EDITOR_ADDRESSES;
  return Object.freeze({
    path,
    token,
    allowRemote,
    allowedHosts: frozenList(allowedHosts.map((host) => host.toLowerCase())),
    otlp,
    mcp,
    profiling: profiling ?? !isProduction(environment),
    editor: usedEditor === false ? undefined : (addresses[usedEditor] ?? usedEditor),
    clickhouse: resolveClickHouse(chosen.source?.clickhouse, env),
  });
}
