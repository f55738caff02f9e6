import type { Attributes } from '@opentelemetry/api';

import type { ApplicationPackage } from './application-package.js';
import { option, type OptionsOf, type ValuesIn } from './declare-options.js';
import { must, recordOf, text } from './option-rules.js';
import {
  ATTR_DEPLOYMENT_ENVIRONMENT_NAME,
  ATTR_FORMER_DEPLOYMENT_ENVIRONMENT,
  ATTR_K8S_CONTAINER_NAME,
  ATTR_K8S_NAMESPACE_NAME,
  ATTR_K8S_NODE_NAME,
  ATTR_K8S_POD_NAME,
  ATTR_K8S_POD_UID,
  ATTR_SERVICE_NAME,
  ATTR_SERVICE_VERSION,
} from './semantic-conventions.constants.js';

/** Options for the resource: the service that the telemetry belongs to. */
export interface IdentitySection {
  /**
   * `service.name`.
   * Default: `name` of the application's package.json, else `unknown_service:node`. Env `OTEL_SERVICE_NAME`.
   */
  serviceName?: string;
  /**
   * `service.version`; in the environment `service.version` of `OTEL_RESOURCE_ATTRIBUTES`.
   * Default: `version` of the application's package.json, else `unknown`.
   */
  serviceVersion?: string;
  /**
   * `deployment.environment.name`. `production` and `prod` select the production defaults.
   * Default `development`. Env `OTEL_ENVIRONMENT`, `NODE_ENV`.
   */
  environment?: string;
  /**
   * Further attributes of all telemetry; merged by name with those of the environment, over which
   * they win. `OTEL_RESOURCE_ATTRIBUTES` wins over the variables of the pod.
   * Default none. Env `OTEL_RESOURCE_ATTRIBUTES`, `K8S_POD_NAME`, `K8S_POD_UID`, `K8S_NAMESPACE_NAME`, `K8S_NODE_NAME`, `K8S_CONTAINER_NAME`.
   */
  resourceAttributes?: Attributes;
}

/** The service that the telemetry belongs to. */
export interface IdentityConfig {
  readonly serviceName: string;
  readonly serviceVersion: string;
  readonly environment: string;
  readonly resourceAttributes: Attributes;
}

const attributeValue = must(
  (value) => (Array.isArray(value) ? isUniform(value) : isPrimitive(value)),
  'Write a text, a number, a boolean, or an array of one of them.',
);

const attributes = recordOf(attributeValue, 'attributes, for example { "team": "orders" }');

export const IDENTITY_SECTION = {
  serviceName: option(text('a name'), {
    env: {
      OTEL_SERVICE_NAME: {
        kind: 'text',
        otherwise:
          '`service.name` of `OTEL_RESOURCE_ATTRIBUTES`, else `name` of the package.json of the application',
      },
    },
  }),
  serviceVersion: text('a version'),
  environment: option(text('a name'), {
    default: 'development',
    env: {
      OTEL_ENVIRONMENT: {
        kind: 'text',
        otherwise: '`deployment.environment.name` of `OTEL_RESOURCE_ATTRIBUTES`, else `NODE_ENV`',
      },
      NODE_ENV: { kind: 'text', meaning: 'Used where `OTEL_ENVIRONMENT` is not set.' },
    },
  }),
  resourceAttributes: option(attributes, {
    env: {
      OTEL_RESOURCE_ATTRIBUTES: {
        kind: 'attributes',
        meaning:
          'Further resource attributes: `key=value` pairs separated by commas, values percent-encoded.',
      },
      K8S_POD_NAME: { kind: 'text', meaning: '`k8s.pod.name`, by the downward API of Kubernetes.' },
      K8S_POD_UID: { kind: 'text', meaning: '`k8s.pod.uid`, by the downward API.' },
      K8S_NAMESPACE_NAME: {
        kind: 'text',
        meaning: '`k8s.namespace.name`, by the downward API.',
        otherwise: 'the namespace of the service account, where its token is mounted',
      },
      K8S_NODE_NAME: { kind: 'text', meaning: '`k8s.node.name`, by the downward API.' },
      K8S_CONTAINER_NAME: { kind: 'text', meaning: '`k8s.container.name`.' },
    },
    see: 'resource.md',
  }),
} satisfies OptionsOf<IdentitySection>;

export type IdentityValues = ValuesIn<typeof IDENTITY_SECTION>;

/** Decides name, version, environment and further attributes of the service. */
export function resolveIdentity(
  options: IdentitySection,
  env: IdentityValues,
  findPackage: () => Pick<ApplicationPackage, 'name' | 'version'>,
): IdentityConfig {
  const inCode = options.resourceAttributes ?? {};
  const inEnvironment = env.OTEL_RESOURCE_ATTRIBUTES ?? {};
  const name =
    options.serviceName ??
    textOf(inCode, ATTR_SERVICE_NAME) ??
    env.OTEL_SERVICE_NAME ??
    textOf(inEnvironment, ATTR_SERVICE_NAME);
  const version =
    options.serviceVersion ??
    textOf(inCode, ATTR_SERVICE_VERSION) ??
    textOf(inEnvironment, ATTR_SERVICE_VERSION);
  const found = name === undefined || version === undefined ? findPackage() : undefined;

  return {
    serviceName: name ?? found?.name ?? 'unknown_service:node',
    serviceVersion: version ?? found?.version ?? 'unknown',
    environment:
      options.environment ??
      textOf(inCode, ATTR_DEPLOYMENT_ENVIRONMENT_NAME) ??
      env.OTEL_ENVIRONMENT ??
      textOf(inEnvironment, ATTR_DEPLOYMENT_ENVIRONMENT_NAME) ??
      textOf(inEnvironment, ATTR_FORMER_DEPLOYMENT_ENVIRONMENT) ??
      env.NODE_ENV ??
      IDENTITY_SECTION.environment.default,
    resourceAttributes: furtherAttributes({ ...podAttributes(env), ...inEnvironment, ...inCode }),
  };
}

function podAttributes(env: IdentityValues): Attributes {
  return {
    [ATTR_K8S_POD_NAME]: env.K8S_POD_NAME,
    [ATTR_K8S_POD_UID]: env.K8S_POD_UID,
    [ATTR_K8S_NAMESPACE_NAME]: env.K8S_NAMESPACE_NAME,
    [ATTR_K8S_NODE_NAME]: env.K8S_NODE_NAME,
    [ATTR_K8S_CONTAINER_NAME]: env.K8S_CONTAINER_NAME,
  };
}

/** Whether the defaults of production apply. */
export function isProduction(environment: string): boolean {
  return ['production', 'prod'].includes(environment.toLowerCase());
}

/**
 * Whether the defaults of a developer's machine apply. Only `development` counts: an environment with
 * any other name, such as `staging`, serves other people.
 */
export function isDevelopment(environment: string): boolean {
  return environment.toLowerCase() === 'development';
}

/** Whether tests run: they must not write to the files of the developer. */
export function isTest(environment: string): boolean {
  return environment.toLowerCase() === 'test';
}

/** Without the attributes that have an option: each has one value. */
function furtherAttributes(attributes: Attributes): Attributes {
  const decided = new Set([ATTR_SERVICE_NAME, ATTR_SERVICE_VERSION, ATTR_DEPLOYMENT_ENVIRONMENT_NAME]);
  return Object.freeze(
    Object.fromEntries(
      Object.entries(attributes)
        .filter(([key, value]) => value !== undefined && !decided.has(key))
        .map(([key, value]) => [key, Array.isArray(value) ? frozen(value) : value]),
    ),
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

function isPrimitive(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value);
}

function isUniform(values: readonly unknown[]): boolean {
  const present = values.filter((value) => value !== null && value !== undefined);
  return present.every((value) => isPrimitive(value) && typeof value === typeof present[0]);
}
