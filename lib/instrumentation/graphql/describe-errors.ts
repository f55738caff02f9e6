import { type Span, SpanStatusCode } from '@opentelemetry/api';

import {
  ATTR_ERROR_TYPE,
  ATTR_NESTJS_GRAPHQL_ERROR_COUNT,
} from '../../config/semantic-conventions.constants.js';
import { messageOf, recordFailure } from '../../tracing/error-policy.js';
import {
  type GraphqlErrorLike,
  isOperationError,
  operationErrorType,
  thrownError,
} from './graphql-errors.js';

/**
 * Puts the errors of a result on the span of their operation: how many there are, and the first that is not the client's
 * as the reason why it failed. Gives back its type, undefined when the operation did not fail.
 */
export function describeErrors(span: Span | undefined, errors: readonly unknown[]): string | undefined {
  if (errors.length === 0) return undefined;
  const decisive = errors.find(isOperationError);
  const errorType = decisive === undefined ? undefined : operationErrorType(decisive);
  if (span?.isRecording() !== true) return errorType;
  span.setAttribute(ATTR_NESTJS_GRAPHQL_ERROR_COUNT, errors.length);
  if (errorType === undefined) return undefined;
  const thrown = thrownError(decisive);
  // Formatted errors are no exceptions any more: then the status says what is left of them.
  if (thrown instanceof Error) recordFailure(span, thrown, () => true);
  span.setAttribute(ATTR_ERROR_TYPE, errorType);
  span.setStatus({ code: SpanStatusCode.ERROR, message: textOf(thrown) });
  return errorType;
}

function textOf(error: unknown): string {
  const message = (error as GraphqlErrorLike | null)?.message;
  return typeof message === 'string' ? message : messageOf(error);
}
