import { randomUUID } from 'node:crypto';
import { arch, hostname, platform } from 'node:os';

import { defaultResource, type Resource, resourceFromAttributes } from '@opentelemetry/resources';

import {
  ATTR_DEPLOYMENT_ENVIRONMENT_NAME,
  ATTR_HOST_ARCH,
  ATTR_HOST_NAME,
  ATTR_OS_TYPE,
  ATTR_PROCESS_PID,
  ATTR_PROCESS_RUNTIME_NAME,
  ATTR_PROCESS_RUNTIME_VERSION,
  ATTR_SERVICE_INSTANCE_ID,
  ATTR_SERVICE_NAME,
  ATTR_SERVICE_VERSION,
} from '../config/semantic-conventions.constants.js';
import { type TelemetryConfig } from '../config/telemetry-config.interface.js';
import { redaction } from '../redaction/active-redaction.js';

/**
 * Describes this process to every backend. No attribute is asynchronous, as `host.id` would be: that would delay the first export.
 * Command lines are left out: they contain secrets.
 */
export function createResource(config: TelemetryConfig): Resource {
  return defaultResource().merge(
    resourceFromAttributes(
      redaction().attributes({
        [ATTR_HOST_NAME]: hostname(),
        [ATTR_HOST_ARCH]: arch(),
        [ATTR_OS_TYPE]: platform(),
        [ATTR_PROCESS_PID]: process.pid,
        [ATTR_PROCESS_RUNTIME_NAME]: 'nodejs',
        [ATTR_PROCESS_RUNTIME_VERSION]: process.versions.node,
        [ATTR_SERVICE_INSTANCE_ID]: randomUUID(),
        ...config.resourceAttributes,
        [ATTR_SERVICE_NAME]: config.serviceName,
        [ATTR_SERVICE_VERSION]: config.serviceVersion,
        [ATTR_DEPLOYMENT_ENVIRONMENT_NAME]: config.environment,
      }),
    ),
  );
}
