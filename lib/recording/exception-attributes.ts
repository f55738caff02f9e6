import { type Attributes, type Exception } from '@opentelemetry/api';

import {
  ATTR_EXCEPTION_MESSAGE,
  ATTR_EXCEPTION_STACKTRACE,
  ATTR_EXCEPTION_TYPE,
} from '../config/semantic-conventions.constants.js';

/** What an event says of an exception, as OpenTelemetry's SDK has it. */
export function exceptionAttributes(exception: Exception): Attributes {
  if (typeof exception === 'string') return { [ATTR_EXCEPTION_MESSAGE]: exception };
  const { code, name, message, stack } = exception;
  const type = code?.toString() ?? name;
  return {
    ...(type !== undefined && { [ATTR_EXCEPTION_TYPE]: type }),
    ...(message !== undefined && { [ATTR_EXCEPTION_MESSAGE]: message }),
    ...(stack !== undefined && { [ATTR_EXCEPTION_STACKTRACE]: stack }),
  };
}
