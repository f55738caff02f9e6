import { type Attributes } from '@opentelemetry/api';

import {
  ATTR_EXCEPTION_MESSAGE,
  ATTR_EXCEPTION_STACKTRACE,
  ATTR_EXCEPTION_TYPE,
} from '../config/semantic-conventions.constants.js';
import { readSafely, textOf } from './copy-bounded.js';

/** The attributes of an exception event as OpenTelemetry's SDK sets them, of whatever was thrown. Never throws. */
export function exceptionAttributes(exception: unknown): Attributes {
  if (typeof exception !== 'object' || exception === null)
    return { [ATTR_EXCEPTION_MESSAGE]: textOf(exception, 65_536) };
  const read = (key: string): string | undefined => textIn(exception, key);
  const type = read('code') ?? read('name');
  const message = read('message');
  const stack = read('stack');
  return {
    ...(type !== undefined && { [ATTR_EXCEPTION_TYPE]: type }),
    ...(message !== undefined && { [ATTR_EXCEPTION_MESSAGE]: message }),
    ...(stack !== undefined && { [ATTR_EXCEPTION_STACKTRACE]: stack }),
  };
}

function textIn(exception: object, key: string): string | undefined {
  const value = readSafely(() => (exception as Readonly<Record<string, unknown>>)[key]);
  if (value === undefined || value === null) return undefined;
  return typeof value === 'string' ? value : textOf(value);
}
