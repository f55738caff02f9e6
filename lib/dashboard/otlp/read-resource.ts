import { ATTR_SERVICE_NAME, ATTR_SERVICE_VERSION } from '../../config/semantic-conventions.constants.js';
import { type StoredResource } from '../../store/rows.interface.js';
import { type ApiValue } from '../api/api.interface.js';
import { attributesAt } from './read-values.js';

const MAX_RESOURCES = 200;
/** Rows are looked up by the object of their resource: the same sender must get the same object. */
const known = new Map<string, StoredResource>();

/** Who sent something, by the `resource` of OTLP. */
export function readResource(resource: Readonly<Record<string, unknown>>): StoredResource {
  const attributes = attributesAt(resource);
  const text = JSON.stringify(attributes);
  let stored = known.get(text);
  if (stored === undefined) {
    stored = {
      service: textOf(attributes[ATTR_SERVICE_NAME]) || 'unknown_service',
      version: textOf(attributes[ATTR_SERVICE_VERSION]),
      environment: textOf(attributes['deployment.environment.name'] ?? attributes['deployment.environment']),
      instance: textOf(attributes['service.instance.id']),
      attributes: text,
    };
    if (known.size >= MAX_RESOURCES) known.clear();
    known.set(text, stored);
  }
  return stored;
}

function textOf(value: ApiValue | undefined): string {
  return typeof value === 'string' ? value : '';
}
