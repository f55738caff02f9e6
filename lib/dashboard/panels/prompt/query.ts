import { ATTR_EXCEPTION_STACKTRACE } from '../../../config/semantic-conventions.constants.js';
import { type Question } from '../../api/question.js';
import { textOf } from '../../reader/host-of.js';
import { type ReadSources, type SourcedStack, sourceStack } from '../../sources/source-stack.js';
import { askError } from '../errors/query.js';
import { type AnalysedTrace, askTrace } from '../trace/query.js';
import { type PromptAnswer } from './prompt-api.interface.js';
import { writeErrorPrompt } from './write-error-prompt.js';
import { findFailures, writeTracePrompt } from './write-trace-prompt.js';

/** Longest text, in bytes. */
const MAX_BYTES = 12_000;
/** Of a sample trace below an error. */
const SAMPLE_BYTES = 6_000;

/** @param readSources undefined where no source is to be shown */
export async function askTracePrompt(
  question: Question,
  readSources: ReadSources | undefined,
  maxBytes = MAX_BYTES,
): Promise<PromptAnswer | undefined> {
  const trace = await askTrace(question);
  if (trace === undefined) return undefined;
  const stack = await sourceStack(stackOf(trace), readSources);
  return { markdown: await writeTrace(question, trace, stack, maxBytes) };
}

/** @param readSources undefined where no source is to be shown */
export async function askErrorPrompt(
  question: Question,
  readSources: ReadSources | undefined,
): Promise<PromptAnswer | undefined> {
  const error = await askError(question, readSources);
  if (error === undefined) return undefined;
  const { traceId } = error.sample ?? {};
  const trace = traceId === undefined ? undefined : await askTrace({ ...question, params: { traceId } });
  // The stack is that of the error.
  const sample = trace && (await writeTrace(question, trace, [], SAMPLE_BYTES));
  return { markdown: writeErrorPrompt({ error, sample, root: process.cwd(), maxBytes: MAX_BYTES }) };
}

function writeTrace(
  { work }: Question,
  trace: AnalysedTrace,
  stack: SourcedStack,
  maxBytes: number,
): Promise<string> {
  return work(writeTracePrompt({ trace, stack, root: process.cwd(), maxBytes }));
}

/** Of the failure that came first. */
function stackOf({ spans }: AnalysedTrace): string | undefined {
  for (const { events } of findFailures(spans)) {
    const exception = events.findLast(({ name }) => name === 'exception');
    const stack = exception && textOf(exception.attributes, ATTR_EXCEPTION_STACKTRACE);
    if (stack !== undefined) return stack;
  }
  return undefined;
}
