import { type Database } from '../database/database.js';
import { hexOf } from '../encoding/ids.js';
import { type ExemplarAnswer } from '../../reader/answers.interface.js';
import { type ExemplifiedRow } from './rollup-range.js';

/** Of each bucket so many are shown, and so many more are tried, because the trace of one may be evicted. */
const SHOWN = 2;
const TRIED = 6;

interface Candidate {
  readonly bucket: number;
  readonly trace: number;
  readonly span: Uint8Array;
  /** Microseconds. */
  readonly start: number;
  readonly duration: number;
  readonly failed: boolean;
}

/** Finds, among the slowest of many sums, those to show in each bucket of a chart. */
export class EntryExemplars {
  private readonly candidates = new Map<string, Candidate[]>();

  offer(bucket: number, row: ExemplifiedRow): void {
    const { slowTrace, slowSpan, slowStart, slowDuration } = row;
    if (slowTrace !== null && slowSpan !== null && slowStart !== null && slowDuration !== null)
      this.add({
        bucket,
        trace: slowTrace,
        span: slowSpan,
        start: slowStart,
        duration: slowDuration,
        failed: false,
      });
    const { failedTrace, failedSpan, failedStart, failedDuration } = row;
    if (failedTrace !== null && failedSpan !== null && failedStart !== null && failedDuration !== null)
      this.add({
        bucket,
        trace: failedTrace,
        span: failedSpan,
        start: failedStart,
        duration: failedDuration,
        failed: true,
      });
  }

  /** Those whose trace is in the store: failed ones first, and the slowest first. */
  read(database: Database): ExemplarAnswer[] {
    const lists = [...this.candidates.values()].map((list) =>
      list.sort((a, b) => b.duration - a.duration).slice(0, TRIED),
    );
    const traces = readTraces(
      database,
      lists.flat().map(({ trace }) => trace),
    );
    const shown = lists.flatMap((list) => list.filter(({ trace }) => traces.has(trace)).slice(0, SHOWN));
    return shown
      .sort((a, b) => Number(b.failed) - Number(a.failed) || b.duration - a.duration)
      .flatMap(({ trace, span, start, duration, failed }) => {
        const found = traces.get(trace);
        if (found === undefined) return [];
        return {
          time: start / 1_000,
          value: duration / 1_000,
          traceId: hexOf(found.traceId),
          spanId: hexOf(span),
          error: failed,
          label: found.name,
        };
      });
  }

  private add(candidate: Candidate): void {
    const key = `${candidate.bucket} ${candidate.failed}`;
    const others = this.candidates.get(key);
    if (others === undefined) this.candidates.set(key, [candidate]);
    else others.push(candidate);
  }
}

interface NamedTrace {
  readonly id: number;
  readonly traceId: Uint8Array;
  readonly name: string;
}

function readTraces(database: Database, ids: readonly number[]): Map<number, NamedTrace> {
  const rows = database.all<NamedTrace>(
    'SELECT id, trace_id AS traceId, name FROM traces WHERE id IN (SELECT value FROM json_each(?))',
    JSON.stringify(ids),
  );
  return new Map(rows.map((row) => [row.id, row]));
}
