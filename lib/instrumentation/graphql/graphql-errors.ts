import { type Span, SpanStatusCode } from '@opentelemetry/api';

import {
  ATTR_ERROR_TYPE,
  ATTR_NESTJS_GRAPHQL_ERROR_COUNT,
} from '../../config/semantic-conventions.constants.js';
import { errorTypeOf, isSpanError, messageOf, recordFailure } from '../../tracing/error-policy.js';

/** What is used of a `GraphQLError`, and of one that was formatted for the response. */
export interface GraphqlErrorLike {
  readonly message?: unknown;
  readonly path?: readonly (string | number)[] | undefined;
  readonly extensions?:
    { readonly code?: unknown; readonly http?: { readonly status?: unknown } } | undefined;
  readonly originalError?: unknown;
  /** Of Mercurius's errors. */
  readonly statusCode?: unknown;
  readonly code?: unknown;
}

/** Codes of Apollo Server and of applications for what the client did wrong. */
const CLIENT_CODES = new Set<unknown>([
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'BAD_USER_INPUT',
  'BAD_REQUEST',
  'PERSISTED_QUERY_NOT_FOUND',
  'PERSISTED_QUERY_NOT_SUPPORTED',
  'OPERATION_RESOLUTION_FAILURE',
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'NOT_FOUND',
]);

/**
 * The error policy for the `errors` of a result: a fault of the client is no error of the
 * operation. Such are, besides those of the error policy, a syntax error, a document that is not
 * valid, a variable of the wrong type, and what has such a code or HTTP status.
 */
export function isOperationError(error: unknown): boolean {
  if (!isGraphqlError(error)) return isSpanError(error);
  const { extensions, originalError } = error;
  const status = extensions?.http?.status ?? mercuriusStatusOf(error);
  if (CLIENT_CODES.has(extensions?.code) || (typeof status === 'number' && status < 500)) return false;
  if (originalError !== undefined && originalError !== null) return isOperationError(originalError);
  if (extensions?.code === 'INTERNAL_SERVER_ERROR') return true;
  // What cannot be executed has no path.
  if (isGraphqlClass(error)) return error.path !== undefined;
  return isSpanError(error);
}

/** What was thrown, below what GraphQL wrapped around it. */
function thrownError(error: unknown, depth = 0): unknown {
  return depth < 8 && isGraphqlError(error) && error.originalError instanceof Error
    ? thrownError(error.originalError, depth + 1)
    : error;
}

/** The class of what was thrown; the code where GraphQL itself found the fault. */
export function operationErrorType(error: unknown): string {
  const thrown = thrownError(error);
  const code = isGraphqlError(thrown) ? thrown.extensions?.code : undefined;
  if (typeof code === 'string') return code;
  return thrown instanceof Error ? errorTypeOf(thrown) : 'GraphQLError';
}

function isGraphqlError(error: unknown): error is GraphqlErrorLike {
  return typeof error === 'object' && error !== null;
}

/** Of Mercurius's own errors and `ErrorWithProps`: others have that of another response. */
function mercuriusStatusOf({ statusCode, code, extensions }: GraphqlErrorLike): unknown {
  const own = typeof code === 'string' && code.startsWith('MER_ERR_');
  return own || extensions !== undefined ? statusCode : undefined;
}

/** A `GraphQLError`, or what became of one when the response was formatted. */
function isGraphqlClass(error: object): boolean {
  return !(error instanceof Error) || error.name === 'GraphQLError' || 'positions' in error;
}

/**
 * Sets the number of errors of a result on the span of their operation, and as its failure the
 * first that is not the client's. Returns its type; undefined when the operation did not fail.
 */
export function describeErrors(span: Span | undefined, errors: readonly unknown[]): string | undefined {
  if (errors.length === 0) return undefined;
  const decisive = errors.find(isOperationError);
  const errorType = decisive === undefined ? undefined : operationErrorType(decisive);
  if (span?.isRecording() !== true) return errorType;
  span.setAttribute(ATTR_NESTJS_GRAPHQL_ERROR_COUNT, errors.length);
  if (errorType === undefined) return undefined;
  const thrown = thrownError(decisive);
  // Formatted errors are no exceptions: the status has their text.
  if (thrown instanceof Error) recordFailure(span, thrown, () => true);
  span.setAttribute(ATTR_ERROR_TYPE, errorType);
  span.setStatus({ code: SpanStatusCode.ERROR, message: textOf(thrown) });
  return errorType;
}

function textOf(error: unknown): string {
  const message = (error as GraphqlErrorLike | null)?.message;
  return typeof message === 'string' ? message : messageOf(error);
}
