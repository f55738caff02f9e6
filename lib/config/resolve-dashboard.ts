import { type ConfigurationProblem } from '../errors/telemetry.error.js';
import { type DashboardOptions } from './dashboard-options.interface.js';
import { EDITOR_ADDRESSES, isDashboardToken } from './dashboard-rules.constants.js';
import { type EnvironmentValues } from './environment-variables.constants.js';
import { HIDDEN } from './render-received.js';
import { isProduction, isWatched } from './resolve-identity.js';
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
  'In production the dashboard is served to those only who have a token: set dashboard.token or TELEMETRY_DASHBOARD_TOKEN.';

const UNUSABLE_TOKEN =
  `TELEMETRY_DASHBOARD_TOKEN in the environment is ${HIDDEN}, which cannot be used, and the dashboard is not served. ` +
  'Write at least 16 letters, digits or signs without spaces, for example from openssl rand -hex 24.';

const OPEN_TO_ALL =
  'dashboard.allowRemote shows logs and traces to everybody who can reach the port, for there is no token. Set dashboard.token or TELEMETRY_DASHBOARD_TOKEN.';

/**
 * Decides whether the dashboard is served, where, and to whom. Asked for in code, a missing token in production stops the start;
 * asked for by the environment, it is a warning and the dashboard stays off.
 */
export function resolveDashboard(
  { dashboard: option }: Pick<TelemetryOptions, 'dashboard'>,
  env: EnvironmentValues,
  environment: string,
  setIn: string,
): ResolvedDashboard {
  const chosen: DashboardOptions =
    typeof option === 'object' ? option : option === undefined ? {} : { enabled: option };
  const enabled = chosen.enabled ?? env.TELEMETRY_DASHBOARD ?? isWatched(environment);
  if (!enabled) return { dashboard: undefined, problems: [], warnings: [] };
  const off = (warning: string): ResolvedDashboard => ({
    dashboard: undefined,
    problems: [],
    warnings: [warning],
  });
  const token = chosen.token ?? env.TELEMETRY_DASHBOARD_TOKEN;
  // Without it, what was meant to be closed would be open.
  if (chosen.token === undefined && token !== undefined && !isDashboardToken(token))
    return off(UNUSABLE_TOKEN);
  if (token !== undefined || !isProduction(environment))
    return {
      dashboard: withDefaults(chosen, token, environment),
      problems: [],
      warnings: chosen.allowRemote === true && token === undefined ? [OPEN_TO_ALL] : [],
    };
  if (chosen.enabled !== true)
    return off(
      `TELEMETRY_DASHBOARD in the environment is true, and the dashboard is not served. ${MISSING_TOKEN}`,
    );
  const problem = { name: 'dashboard.token', received: 'undefined', setIn, remedy: MISSING_TOKEN };
  return { dashboard: undefined, problems: [problem], warnings: [] };
}

function withDefaults(
  chosen: DashboardOptions,
  token: string | undefined,
  environment: string,
): DashboardConfig {
  const { path = '/telemetry', allowRemote = false, allowedHosts = [], otlp = false } = chosen;
  // Where users are served nobody has the sources open, and finding them holds up the event loop once.
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
