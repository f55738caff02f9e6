import { Injectable } from '@nestjs/common';

import { urls } from '../settings/addresses.js';
import { RecentSpans } from './recent-spans.processor.js';
import { type RecordedSpan } from './recorded-span.interface.js';

/** One trace as far as it is finished, put together from all services. */
export interface CollectedTrace {
  readonly traceId: string;
  readonly spans: readonly RecordedSpan[];
  /** Services that did not answer, with the reason; their spans are missing. */
  readonly missing: Readonly<Record<string, string>>;
}

const ANSWER_TIMEOUT_MS = 2_000;

/** Gathers the spans of a trace from the gateway itself, the orchestrator and the background worker. */
@Injectable()
export class TraceCollector {
  constructor(private readonly recentSpans: RecentSpans) {}

  async collect(traceId: string): Promise<CollectedTrace> {
    const missing: Record<string, string> = {};
    const ask = async (service: string, url: string): Promise<RecordedSpan[]> => {
      try {
        const response = await fetch(`${url}/debug/spans/${traceId}`, {
          signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
        });
        if (!response.ok) throw new Error(`answered ${response.status}`);
        return (await response.json()) as RecordedSpan[];
      } catch (error) {
        missing[service] = error instanceof Error ? error.message : String(error);
        return [];
      }
    };
    const elsewhere = await Promise.all([
      ask('orchestrator', urls.orchestrator()),
      ask('background_worker', urls.worker()),
    ]);
    const spans = [this.recentSpans.ofTrace(traceId), ...elsewhere].flat();
    return { traceId, spans: spans.sort((a, b) => a.startMs - b.startMs), missing };
  }
}
