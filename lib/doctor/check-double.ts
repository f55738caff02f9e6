import { request, Server } from 'node:http';

import { type TelemetryConfig } from '../config/telemetry-config.interface.js';
import { isWrappedByOthers } from '../invocation/patch.js';
import { type Result, warning } from './finding.js';

const HTTP_PACKAGE = '@opentelemetry/instrumentation-http';
const AGENT =
  /@opentelemetry\/auto-instrumentations-node[^\s"']*|dd-trace\/[^\s"']*|newrelic\b|@sentry\/[^\s"']*/;

/** Names an agent that is loaded before the application, which records the same calls once more. */
export function checkPreloaded({ NODE_OPTIONS: options = '' }: NodeJS.ProcessEnv): Result[] {
  const [preloaded] = AGENT.exec(options) ?? [];
  if (preloaded === undefined) return [];
  return [
    warning(
      'another agent starts before the application, and may record the same calls once more.',
      `NODE_OPTIONS=${options}`,
      `Remove ${preloaded} from NODE_OPTIONS, or keep it and see docs/other-sdks.md for what is joined.`,
    ),
  ];
}

/** Names HTTP functions that another instrumentation has wrapped while ours records the same requests. */
export function checkWrappedHttp({
  instrumentation,
  instrumentations,
}: Pick<TelemetryConfig, 'instrumentation' | 'instrumentations'>): Result[] {
  // Our client is left out where this one is passed.
  const isPassed = instrumentations.some(({ instrumentationName }) => instrumentationName === HTTP_PACKAGE);
  const server =
    instrumentation.httpServer !== undefined && isWrappedByOthers(Reflect.get(Server.prototype, 'emit'));
  const client = instrumentation.http && !isPassed && isWrappedByOthers(request);
  if (!server && !client) return [];
  const wrapped = [...(server ? ['http.Server.prototype.emit'] : []), ...(client ? ['http.request'] : [])];
  return [
    warning(
      'HTTP requests may have two spans: another instrumentation records them, too.',
      `wrapped: ${wrapped.join(', ')}`,
      `Leave ${HTTP_PACKAGE} out, or switch ours off: instrumentation.httpServer and instrumentation.http.`,
    ),
  ];
}
