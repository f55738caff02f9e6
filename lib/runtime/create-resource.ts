import { randomUUID } from 'node:crypto';
import { arch, hostname, platform } from 'node:os';

import { defaultResource, type Resource, resourceFromAttributes } from '@opentelemetry/resources';

import { ATTR_SERVICE_NAME, ATTR_SERVICE_VERSION } from '../config/semantic-conventions.constants.js';
import { type TelemetryConfig } from '../config/telemetry-config.interface.js';
import { redaction } from '../redaction/active-redaction.js';

/**
 * Describes this process to every backend. Everything is known at once: an asynchronous attribute (`host.id`) would
 * hold back the first export. Command lines are left out, they carry secrets.
 */
export function createResource(config: TelemetryConfig): Resource {
  return defaultResource().merge(
    resourceFromAttributes(
      redaction().attributes({
        'host.name': hostname(),
        'host.arch': arch(),
        'os.type': platform(),
        'process.pid': process.pid,
        'process.runtime.name': 'nodejs',
        'process.runtime.version': process.versions.node,
        'service.instance.id': randomUUID(),
        ...config.resourceAttributes,
        [ATTR_SERVICE_NAME]: config.serviceName,
        [ATTR_SERVICE_VERSION]: config.serviceVersion,
        'deployment.environment.name': config.environment,
      }),
    ),
  );
}
