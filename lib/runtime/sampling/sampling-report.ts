import { processWide } from '../../process/process-wide.js';

/** Why a local trace was kept: something failed, its root was slow, or another part of the trace was kept here. */
export type KeepReason = 'errors' | 'duration' | 'trace';

/** What became of the local traces the sampler had not chosen, since the start of the SDK. */
export interface SamplingCounts {
  readonly keptForErrors: number;
  readonly keptForDuration: number;
  readonly keptWithTrace: number;
  readonly dropped: number;
  /** Undecided now. */
  readonly waitingTraces: number;
  /** Ended spans that are held back now. */
  readonly waitingSpans: number;
  /** Traces, and their spans, that had to make room. */
  readonly evictedTraces: number;
  readonly evictedSpans: number;
  /** Traces whose root had not ended in time. */
  readonly timedOutTraces: number;
}

interface ReportState {
  counts: (() => SamplingCounts) | undefined;
}

const state = processWide<ReportState>('sampling-report', () => ({ counts: undefined }));

/** How keeping has fared since the start of the SDK, beside `exporterReports()`; undefined where `sampling.keep` is off. */
export function samplingReport(): SamplingCounts | undefined {
  return state.counts?.();
}

/** Sets where the report comes from, at each start of the SDK. */
export function setSamplingReport(counts: (() => SamplingCounts) | undefined): void {
  state.counts = counts;
}
