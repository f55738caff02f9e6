import {
  HIDDEN,
  type OptionRule,
  type RulesOf,
  either,
  flag,
  listOf,
  must,
  renderKind,
  shape,
} from './option-rules.js';
import type { ConfigurationProblem } from '../errors/telemetry.error.js';
import type { EnvironmentValues } from './environment-variables.constants.js';
import { isDevelopment, isProduction } from './identity.js';
import type { DashboardConfig } from './telemetry-config.interface.js';
import type { TelemetryOptions } from './telemetry-options.interface.js';

/** Editors whose links are known; anything else is written as an address with `{file}` and `{line}` in it. */
export type DashboardEditor = 'vscode' | 'cursor' | 'webstorm' | 'zed';

/** The page that shows what the store holds, and who may see it. */
export interface DashboardOptions {
  /**
   * Serve it. Default: true in an environment of `development`, which is the default environment,
   * false in every other. In production (`production`, `prod`) a token is needed too. Env
   * `TELEMETRY_DASHBOARD`.
   */
  enabled?: boolean;
  /** Path on the application's own port. A global prefix or version never changes it. Default `/telemetry`. */
  path?: string;
  /**
   * What a visitor must send: `Authorization: Bearer <token>`, or once `<path>/#token=<token>` in
   * the browser, which sets a cookie. At least 16 printable ASCII characters without spaces.
   * Default: a token made at random and kept in `dashboard-token` beside the store's file, mode
   * 0600; the address with the token is printed at start. In production there is no default.
   * `false` serves the dashboard without a token: everybody who reaches the port sees logs and
   * traces, also through a proxy on this machine. Env `TELEMETRY_DASHBOARD_TOKEN`; `false` there
   * is ignored in production.
   */
  token?: string | false;
  /** Answer requests that come from other machines too. Default false. */
  allowRemote?: boolean;
  /** Names in the `Host` header that are answered beside `localhost`, `127.0.0.1` and `[::1]`, without port. Default none. */
  allowedHosts?: readonly string[];
  /** Take OTLP over HTTP on `<path>/otlp/v1/{traces,metrics,logs}`, so that services in other languages show up. Default false. */
  otlp?: boolean;
  /**
   * What opens the source of a span: an editor by name, an address with `{file}` and `{line}` such as `idea://open?file={file}&line={line}`,
   * or false for no links. Default `vscode`, in production false: finding sources holds up the event loop once, for some 100 ms, when
   * the page is opened.
   */
  editor?: DashboardEditor | (string & {}) | false;
}

/** Addresses that editors open, by the name of the editor. */
const EDITOR_ADDRESSES: Readonly<Record<DashboardEditor, string>> = {
  vscode: 'vscode://file/{file}:{line}',
  cursor: 'cursor://file/{file}:{line}',
  webstorm: 'webstorm://open?file={file}&line={line}',
  zed: 'zed://file/{file}:{line}',
};

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
        'Write the token as a string (is its source set?), or false for a dashboard without a token.',
      );
    else if (!isDashboardToken(value))
      report(
        name,
        HIDDEN,
        `Write at least ${MIN_TOKEN_LENGTH} letters, digits or signs without spaces, for example from openssl rand -hex 24.`,
      );
  },
};

const dashboardRules: RulesOf<DashboardOptions> = {
  enabled: flag,
  path: must(
    (value) => typeof value === 'string' && /^(\/[\w.~-]+)+$/.test(value),
    'Write a path that starts with a slash and does not end in one, without parameters, for example /telemetry.',
  ),
  token,
  allowRemote: flag,
  allowedHosts: listOf(
    must(
      (value) => typeof value === 'string' && /^([\w.-]+|\[[\da-f:.]+\])$/i.test(value),
      'Write a host name or an IP address without port, for example dev.example.com.',
    ),
    'host names',
  ),
  otlp: flag,
  editor: must(
    (value) => value === false || (typeof value === 'string' && isEditor(value)),
    `Write one of ${Object.keys(EDITOR_ADDRESSES).join(', ')}, an address with {file} and {line} in it, or false.`,
  ),
};

/** What `dashboard` may be. */
export const DASHBOARD_RULE = either(
  (value) => typeof value === 'boolean',
  flag,
  shape(dashboardRules, "true, false or an object, for example { path: '/telemetry' }"),
);

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

/** What came of the options for the dashboard. */
interface ResolvedDashboard {
  /** undefined: it is not served. */
  readonly dashboard: DashboardConfig | undefined;
  /** What stops the start. */
  readonly problems: readonly ConfigurationProblem[];
  /** Sentences about variables that could not be used. */
  readonly warnings: readonly string[];
}

const MISSING_TOKEN =
  'In production the dashboard requires a token: set dashboard.token or TELEMETRY_DASHBOARD_TOKEN.';

const UNUSABLE_TOKEN =
  `TELEMETRY_DASHBOARD_TOKEN in the environment is ${HIDDEN}, which cannot be used, and the dashboard is not served. ` +
  'Write at least 16 letters, digits or signs without spaces, for example from openssl rand -hex 24.';

const OPEN_TO_ALL =
  'dashboard.token is false and dashboard.allowRemote is true: everybody who can reach the port sees logs and traces. ' +
  'Remove dashboard.token: false, or set a token.';

const OPEN_IN_PRODUCTION =
  'dashboard.token is false: in production, everybody who can reach the dashboard sees logs and traces, also through a ' +
  'proxy on this machine. Set dashboard.token or TELEMETRY_DASHBOARD_TOKEN.';

/** What TELEMETRY_DASHBOARD_TOKEN says to serve the dashboard without a token. */
const OPEN = 'false';

/**
 * Decides whether the dashboard is served, where, and to whom. In production a missing token stops
 * the start when code asks for the dashboard; when the environment asks for it, that is a warning
 * and the dashboard stays off.
 */
export function resolveDashboard(
  { dashboard: option }: Pick<TelemetryOptions, 'dashboard'>,
  env: EnvironmentValues,
  environment: string,
  setIn: string,
): ResolvedDashboard {
  const chosen: DashboardOptions =
    typeof option === 'object' ? option : option === undefined ? {} : { enabled: option };
  const enabled = chosen.enabled ?? env.TELEMETRY_DASHBOARD ?? isDevelopment(environment);
  if (!enabled) return { dashboard: undefined, problems: [], warnings: [] };
  const off = (warning: string): ResolvedDashboard => ({
    dashboard: undefined,
    problems: [],
    warnings: [warning],
  });
  const production = isProduction(environment);
  const given = env.TELEMETRY_DASHBOARD_TOKEN;
  // Only code may open the dashboard in production: a variable is set too easily in the wrong place.
  const token = chosen.token ?? (given === OPEN && !production ? false : given);
  if (chosen.token === undefined && typeof token === 'string' && !isDashboardToken(token))
    return off(UNUSABLE_TOKEN);
  if (token !== undefined || !production)
    return {
      dashboard: withDefaults(chosen, token, environment),
      problems: [],
      warnings: token === false ? warningsOfOpen(chosen, production) : [],
    };
  if (chosen.enabled !== true)
    return off(
      `TELEMETRY_DASHBOARD in the environment is true, and the dashboard is not served. ${MISSING_TOKEN}`,
    );
  const problem = { name: 'dashboard.token', received: 'undefined', setIn, remedy: MISSING_TOKEN };
  return { dashboard: undefined, problems: [problem], warnings: [] };
}

function warningsOfOpen({ allowRemote }: DashboardOptions, production: boolean): readonly string[] {
  if (production) return [OPEN_IN_PRODUCTION];
  return allowRemote === true ? [OPEN_TO_ALL] : [];
}

function withDefaults(
  chosen: DashboardOptions,
  token: string | false | undefined,
  environment: string,
): DashboardConfig {
  const { path = '/telemetry', allowRemote = false, allowedHosts = [], otlp = false } = chosen;
  // Off in production: nobody needs editor links there, and locating sources blocks the event loop once.
  const { editor = isProduction(environment) ? false : 'vscode' } = chosen;
  return Object.freeze({
    path,
    token,
    allowRemote,
    allowedHosts: Object.freeze(allowedHosts.map((host) => host.toLowerCase())),
    otlp,
    editor:
      editor === false
        ? undefined
        : ((EDITOR_ADDRESSES as Readonly<Record<string, string>>)[editor] ?? editor),
  });
}
