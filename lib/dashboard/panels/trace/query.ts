import { type TraceAnswer } from '../../reader/answers.interface.js';
import { type TraceAnalysis } from './analysis/analyse-trace.js';

/** One trace with its spans and log lines, and why it took as long as it did. */
export interface AnalysedTrace extends TraceAnswer {
  readonly analysis: TraceAnalysis;
}
