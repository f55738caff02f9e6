import { type Question } from '../../api/question.js';
import { type ErrorDetailAnswer, type ErrorListAnswer } from '../../reader/answers/errors.interface.js';
import { ERROR_ORDERS, ERROR_STATES } from '../../reader/telemetry-reader.interface.js';
import { type ReadSources, type SourcedStack, sourceStack } from '../../sources/source-stack.js';

/** One error, with its stack read. */
export interface ErrorPageAnswer extends ErrorDetailAnswer {
  /** The stack of the error, then those of its causes. */
  readonly stackParts: SourcedStack;
}

/** Addresses of the panel, and their answers. */
export interface ErrorsApi {
  readonly 'GET errors': ErrorListAnswer;
  readonly 'GET errors/:service/:fingerprint': ErrorPageAnswer;
}

export function askErrors({ reader, query, signal }: Question): Promise<ErrorListAnswer> {
  return reader.errors(
    {
      ...query.range(),
      ...query.processes(),
      service: query.text('service'),
      state: query.choice('state', ERROR_STATES),
      route: query.text('route'),
      text: query.search('text'),
      order: query.choice('order', ERROR_ORDERS),
      buckets: query.integer('buckets', 1, 200, 30),
      limit: query.integer('limit', 1, 1_000, 200),
    },
    { signal },
  );
}

/** @param readSources undefined where no source is to be shown */
export async function askError(
  { reader, query, params, signal }: Question,
  readSources: ReadSources | undefined,
): Promise<ErrorPageAnswer | undefined> {
  const { service = '', fingerprint = '' } = params;
  const buckets = query.integer('buckets', 1, 200, 60);
  const error = await reader.error(
    { ...query.range(), ...query.processes(), service, fingerprint, buckets },
    { signal },
  );
  if (error === undefined) return undefined;
  return { ...error, stackParts: await sourceStack(error.stack, readSources) };
}
