import { ATTR_SERVICE_NAME, ATTR_SERVICE_VERSION } from '../../config/semantic-conventions.constants.js';
import { type StoredResource } from '../sqlite/rows.interface.js';
import { type JsonValue } from '../reader/answers.interface.js';
import { attributesAt, MAX_NAME } from './read-values.js';

const MAX_RESOURCES = 200;
/** Characters of their attributes together. */
const MAX_CHARACTERS = 4_194_304;
/** Rows are looked up by the object of their resource: the same sender must get the same object. */
const known = new Map<string, StoredResource>();
let characters = 0;

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
    characters += text.length;
    if (known.size >= MAX_RESOURCES || characters > MAX_CHARACTERS) {
      known.clear();
      characters = text.length;
    }
    known.set(text, stored);
  }
  return stored;
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value.slice(0, MAX_NAME) : '';
}
