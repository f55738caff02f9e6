import { type Attributes } from '@opentelemetry/api';

import { type EnvironmentValues } from './environment-variables.constants.js';
import { type ApplicationPackage } from './application-package.js';
import { type TelemetryConfig } from './telemetry-config.interface.js';
import { type TelemetryOptions } from './telemetry-options.interface.js';

type Identity = Pick<
  TelemetryConfig,
  'serviceName' | 'serviceVersion' | 'environment' | 'resourceAttributes'
>;

const SERVICE_NAME = 'service.name';
const SERVICE_VERSION = 'service.version';
const ENVIRONMENT = 'deployment.environment.name';
/** How OpenTelemetry called it before 2024; many platforms still set it. */
const FORMER_ENVIRONMENT = 'deployment.environment';

/** Decides what the service is called, which version it is, where it runs and what else describes it. */
export function resolveIdentity(
  options: TelemetryOptions,
  env: EnvironmentValues,
  findPackage: () => Pick<ApplicationPackage, 'name' | 'version'>,
): Identity {
  const inCode = options.resourceAttributes ?? {};
  const inEnvironment = env.OTEL_RESOURCE_ATTRIBUTES ?? {};
  const name =
    options.serviceName ??
    textOf(inCode, SERVICE_NAME) ??
    env.OTEL_SERVICE_NAME ??
    textOf(inEnvironment, SERVICE_NAME);
  const version =
    options.serviceVersion ?? textOf(inCode, SERVICE_VERSION) ?? textOf(inEnvironment, SERVICE_VERSION);
  const found = name === undefined || version === undefined ? findPackage() : undefined;

  return {
    serviceName: name ?? found?.name ?? 'unknown_service:node',
    serviceVersion: version ?? found?.version ?? 'unknown',
    environment:
      options.environment ??
      textOf(inCode, ENVIRONMENT) ??
      env.OTEL_ENVIRONMENT ??
      textOf(inEnvironment, ENVIRONMENT) ??
      textOf(inEnvironment, FORMER_ENVIRONMENT) ??
      env.NODE_ENV ??
      'development',
    resourceAttributes: furtherAttributes({ ...inEnvironment, ...inCode }),
  };
}

/** Whether the defaults of production hold. */
export function isProduction(environment: string): boolean {
  return ['production', 'prod'].includes(environment.toLowerCase());
}

/**
 * Whether the defaults of a developer's machine hold. Only `development` counts: an environment
 * with any other name, such as `staging`, serves other people.
 */
export function isDevelopment(environment: string): boolean {
  return environment.toLowerCase() === 'development';
}

/** Whether tests run: they must not fill the files of the developer. */
export function isTest(environment: string): boolean {
  return environment.toLowerCase() === 'test';
}

/** Those that are decided by name are left out, so that nobody reads two different answers. */
function furtherAttributes(attributes: Attributes): Attributes {
  const decided = new Set([SERVICE_NAME, SERVICE_VERSION, ENVIRONMENT]);
  const further = Object.entries(attributes).filter(
    ([key, value]) => value !== undefined && !decided.has(key),
  );
  return Object.freeze(
    Object.fromEntries(further.map(([key, value]) => [key, Array.isArray(value) ? frozen(value) : value])),
  );
}

function frozen<T>(values: readonly T[]): T[] {
  const copy = [...values];
  Object.freeze(copy);
  return copy;
}

function textOf(attributes: Attributes, key: string): string | undefined {
  const value = attributes[key];
  return typeof value === 'string' && value !== '' ? value : undefined;
}
