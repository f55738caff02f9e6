import { type NestInstrumentationOptions } from './instrumentation-options.interface.js';
import { type InstrumentationConfig, type NestConfig } from './telemetry-config.interface.js';
import { type TelemetryOptions } from './telemetry-options.interface.js';

/** Paths that orchestrators ask for; recording them buries everything else. */
const HEALTH_PATHS = ['/health', '/health/*', '/healthz', '/livez', '/readyz', '/ready', '/live'];

/**
 * Decides what creates spans and metrics by itself. The scrape path and the dashboard are never recorded, whatever is ignored besides.
 *
 * @param dashboardPath undefined when it is not served
 */
export function resolveInstrumentation(
  { instrumentation = true, prometheus }: TelemetryOptions,
  dashboardPath?: string,
): InstrumentationConfig {
  const otherwise = instrumentation !== false;
  const switches = typeof instrumentation === 'object' ? instrumentation : {};
  const httpServer = switches.httpServer ?? otherwise;
  const nest = switches.nest ?? otherwise;
  const { ignore: ignored = HEALTH_PATHS, ...hooks } = typeof httpServer === 'object' ? httpServer : {};
  const own = dashboardPath === undefined ? [] : [dashboardPath, `${dashboardPath}/*`];
  const ignore = Object.freeze([...new Set([prometheus?.path ?? '/metrics', ...own, ...ignored])]);
  return Object.freeze({
    httpServer: httpServer === false ? undefined : Object.freeze({ ...hooks, ignore }),
    nest: nest === false ? undefined : resolveNest(nest === true ? {} : nest),
    microservices: switches.microservices ?? otherwise,
    websockets: switches.websockets ?? otherwise,
    graphql: switches.graphql ?? otherwise,
    schedule: switches.schedule ?? otherwise,
    eventEmitter: switches.eventEmitter ?? otherwise,
    bullmq: switches.bullmq ?? otherwise,
    cqrs: switches.cqrs ?? otherwise,
    http: switches.http ?? otherwise,
    redis: switches.redis ?? otherwise,
    pg: switches.pg ?? otherwise,
    mysql: switches.mysql ?? otherwise,
    mongodb: switches.mongodb ?? otherwise,
    runtimeMetrics: switches.runtimeMetrics ?? otherwise,
    sdkMetrics: switches.sdkMetrics ?? otherwise,
  });
}

function resolveNest({
  pipeline = 'timings',
  pipelineThresholdMs = 1,
  providers,
}: NestInstrumentationOptions): NestConfig {
  return Object.freeze({ pipeline, pipelineThresholdMs, providers });
}
