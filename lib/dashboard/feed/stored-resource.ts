import { type Resource } from '@opentelemetry/resources';

import { ATTR_SERVICE_NAME, ATTR_SERVICE_VERSION } from '../../config/semantic-conventions.constants.js';
import { type StoredResource } from '../sqlite/rows.interface.js';
import { recordAsJson } from './attribute-json.js';

const known = new WeakMap<Resource, StoredResource>();

/** The resource as the store knows it; the same object for the same resource. */
export function storedResourceOf(resource: Resource): StoredResource {
  let stored = known.get(resource);
  if (stored === undefined) {
    const { attributes } = resource;
    const textOf = (key: string): string => {
      const value = attributes[key];
      return typeof value === 'string' ? value : '';
    };
    stored = {
      service: textOf(ATTR_SERVICE_NAME) || 'unknown_service',
      version: textOf(ATTR_SERVICE_VERSION),
      environment: textOf('deployment.environment.name'),
      instance: textOf('service.instance.id'),
      attributes: recordAsJson(attributes),
    };
    known.set(resource, stored);
  }
  return stored;
}
