import { type Question } from '../../api/question.js';
import {
  type ErrorDetailAnswer,
  type ErrorListAnswer,
  type SourceAnswer,
  type SourceExcerptAnswer,
} from '../../reader/answers.interface.js';
import { ERROR_ORDERS, ERROR_STATES } from '../../reader/telemetry-reader.interface.js';
import { readStack, type StackFrame } from './read-stack.js';

type Place = SourceAnswer & { readonly column: number };

/** A line of a stack, with the source around it where that is at hand. */
export interface SourcedFrame extends StackFrame {
  readonly source?: SourceExcerptAnswer | undefined;
}

/** One error, with its stack read. */
export interface ErrorPageAnswer extends ErrorDetailAnswer {
  /** The stack of the error, then those of its causes. */
  readonly stackParts: readonly { readonly title: string; readonly frames: readonly SourcedFrame[] }[];
}

/** Addresses of the panel, and their answers. */
export interface ErrorsApi {
  readonly 'GET errors': ErrorListAnswer;
  readonly 'GET errors/:service/:fingerprint': ErrorPageAnswer;
}

/** Frames whose source is read. */
const MAX_SOURCES = 8;

export function askErrors({ reader, query, signal }: Question): Promise<ErrorListAnswer> {
  return reader.errors(
    {
      ...query.range(),
      service: query.text('service'),
      state: query.choice('state', ERROR_STATES),
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
  readSources:
    ((places: readonly Place[]) => Promise<readonly (SourceExcerptAnswer | undefined)[]>) | undefined,
): Promise<ErrorPageAnswer | undefined> {
  const { service = '', fingerprint = '' } = params;
  const buckets = query.integer('buckets', 1, 200, 60);
  const error = await reader.error({ ...query.range(), service, fingerprint, buckets }, { signal });
  if (error === undefined) return undefined;
  const parts = error.stack === undefined ? [] : readStack(error.stack);
  const places = new Map<StackFrame, Place>();
  for (const frame of parts.flatMap(({ frames }) => frames)) {
    const { file, line, column, isLibrary } = frame;
    if (isLibrary || file === undefined || line === undefined || places.size >= MAX_SOURCES) continue;
    places.set(frame, { file, line, column: column ?? 1 });
  }
  const excerpts = (await readSources?.([...places.values()])) ?? [];
  const sources = new Map([...places.keys()].map((frame, index) => [frame, excerpts[index]]));
  return {
    ...error,
    stackParts: parts.map(({ title, frames }) => ({
      title,
      frames: frames.map((frame) => {
        const source = sources.get(frame);
        return source === undefined ? frame : { ...frame, source };
      }),
    })),
  };
}
