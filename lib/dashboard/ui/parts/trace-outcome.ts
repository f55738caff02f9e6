import type { TraceSummaryAnswer } from '../../reader/answers/traces.interface.js';
import { plural } from '../format.js';

/** After so long the root will hardly come. */
const ROOT_COMES_WITHIN_MS = 60_000;

type Outcome = Pick<TraceSummaryAnswer, 'status' | 'errorCount' | 'spanCount' | 'state'>;

/** How a trace ended for its caller: a failure of ours is bad, one of theirs a warning; `open`: it has not ended, as far as is known. */
export type Tone = 'good' | 'warn' | 'bad' | 'open';

/** What the root says of itself, in words: an HTTP status, a status of RPC, a type of error. */
export function statusOf({ status, errorCount, spanCount, state }: Outcome): string {
  if (state !== undefined) return state;
  if (status !== undefined) return status;
  if (errorCount === 0) return 'ok';
  // Something below failed, and the root did not say whether it was its failure too.
  return errorCount === spanCount ? 'error' : '–';
}

/** By the root alone. That a span below it failed is another matter: the request may have been answered all the same. */
export function toneOf(trace: Outcome): Tone {
  if (trace.state !== undefined) return 'open';
  const status = statusOf(trace);
  if (/^4\d\d$/.test(status)) return 'warn';
  // 0 and OK are gRPC's words.
  return /^([123]\d\d|0|ok|–)$/i.test(status) ? 'good' : 'bad';
}

export const failedSpans = ({ errorCount }: Pick<TraceSummaryAnswer, 'errorCount'>): string =>
  errorCount === 0 ? '' : `${plural(errorCount, 'span')} failed`;

/** Of what the name and the duration of a trace are, where it is not its root. */
export const stateText = ({ state, start }: TraceSummaryAnswer, now = Date.now()): string | undefined =>
  state === 'partial' ? `root not received${now - start < ROOT_COMES_WITHIN_MS ? ' yet' : ''}` : undefined;
