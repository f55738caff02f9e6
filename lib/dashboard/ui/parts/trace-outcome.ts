import type { TraceSummaryAnswer } from '../../reader/answers.interface.js';
import { plural } from '../format.js';

type Outcome = Pick<TraceSummaryAnswer, 'status' | 'errorCount' | 'spanCount'>;

/** How a trace ended for who sent it: a failure of ours is bad, one of theirs a warning. */
export type Tone = 'good' | 'warn' | 'bad';

/** What the root says of itself, in words: an HTTP status, a status of RPC, a type of error. */
export function statusOf({ status, errorCount, spanCount }: Outcome): string {
  if (status !== undefined) return status;
  if (errorCount === 0) return 'ok';
  // Something below failed, and the root did not say whether it was its failure too.
  return errorCount === spanCount ? 'error' : '–';
}

/** By the root alone. That a span below it failed is another matter: the request may have been answered all the same. */
export function toneOf(trace: Outcome): Tone {
  const status = statusOf(trace);
  if (/^4\d\d$/.test(status)) return 'warn';
  // 0 and OK are gRPC's words.
  return /^([123]\d\d|0|ok|–)$/i.test(status) ? 'good' : 'bad';
}

export const failedSpans = ({ errorCount }: Pick<TraceSummaryAnswer, 'errorCount'>): string =>
  errorCount === 0 ? '' : `${plural(errorCount, 'span')} failed`;
