import { type ConfigurationProblem } from '../errors/telemetry.error.js';
import { type DashboardOptions } from './dashboard-options.interface.js';
import { EDITOR_ADDRESSES, isDashboardToken } from './dashboard-rules.constants.js';
import { type EnvironmentValues } from './environment-variables.constants.js';
import { HIDDEN } from './render-received.js';
import { isDevelopment, isProduction } from './resolve-identity.js';
import { type DashboardConfig } from './telemetry-config.interface.js';
import { type TelemetryOptions } from './telemetry-options.interface.js';

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
