import { type CoverageAnswer } from '../../reader/answers/answer-parts.interface.js';
import { type TimeRange } from '../../reader/telemetry-reader.interface.js';
import { type Steps, type TimeSlice } from '../../steps.js';
import { type Database } from '../database/database.js';
import { HAS_PROCESS } from './chosen-processes.js';
import { Conditions } from './query-parts.js';

/** Of the newest traces of a range, which are added up when a question is asked. */
const MAX_SPANS = 20_000;
/** Traces that are read without a look at the clock; fewer where their spans say whether they match. */
const SLICE = 20;
const SLICE_OF_PROCESSES = 5;

/** Which traces are wanted. */
export interface ChosenTraces extends TimeRange {
  /** Number of a service that took part. */
  readonly service?: number | undefined;
  /** Resources of which one took part; see `chooseProcesses()`. */
  readonly processes?: string | undefined;
  readonly failed?: boolean | undefined;
}

export interface NewestTrace {
  readonly id: number;
  /** 1: it is one of those that are wanted. */
  readonly matches: number;
  readonly traceId: string;
  /** Microseconds. */
  readonly start: number;
  readonly spanCount: number;
}

/**
 * Calls `take` with the newest traces of a range, newest first, up to a number of spans, and says which these are.
 *
 * @param take reads at most `left` spans of a trace and returns how many it has read
 */
export function* takeNewestTraces(
  database: Database,
  chosen: ChosenTraces,
  turn: TimeSlice,
  take: (trace: NewestTrace, left: number) => Steps<number>,
): Steps<CoverageAnswer> {
  const covered = { traces: 0, spans: 0, since: chosen.from, complete: true };
  const isPassingOver = chosen.service !== undefined || chosen.processes !== undefined;
  const slice = chosen.processes === undefined ? SLICE : SLICE_OF_PROCESSES;
  for (let before: NewestTrace | undefined; ;) {
    const rows = readTraces(database, chosen, before, slice);
    for (const row of rows) {
      if (row.matches === 0) continue;
      const left = MAX_SPANS - covered.spans;
      if (row.spanCount > left) covered.complete = false;
      // Half a trace has calls without the other side: only one that is larger than all that may be read is cut.
      if (!covered.complete && covered.traces > 0) break;
      covered.spans += yield* take(row, left);
      covered.traces += 1;
      covered.since = row.start / 1_000;
      if (turn.isOverNow()) yield* turn.pass();
    }
    before = rows.at(-1);
    if (rows.length < slice || !covered.complete) break;
    if (turn.isOverNow()) yield* turn.pass();
    // Where few traces match, the others are looked through only for so long.
    if (isPassingOver && turn.isLong) {
      covered.complete = false;
      covered.since = (before?.start ?? 0) / 1_000;
      break;
    }
  }
  if (covered.complete) covered.since = chosen.from;
  return covered;
}

/** The next of the traces, newest first; some that do not match are among them, so that there is time to stop. */
function readTraces(
  database: Database,
  { from, to, service, processes, failed }: ChosenTraces,
  before: NewestTrace | undefined,
  limit: number,
): readonly NewestTrace[] {
  const conditions = new Conditions();
  conditions.add('start >= ?', from * 1_000);
  conditions.add('start < ?', to * 1_000);
  if (before !== undefined) conditions.add('(start, id) < (?, ?)', before.start, before.id);
  if (failed === true) conditions.add('error_count > 0');
  const own = new Conditions();
  if (service !== undefined) own.add('instr(services, ?) > 0', `,${service},`);
  if (processes !== undefined) own.add(HAS_PROCESS, processes);
  return database.all<NewestTrace>(
    `SELECT id, matches, lower(hex(trace_id)) AS traceId, start, span_count AS spanCount FROM (
        SELECT *, (${own.sql}) AS matches FROM traces INDEXED BY ${failed === true ? 'traces_failed' : 'traces_by_start'}
        WHERE ${conditions.sql} ORDER BY start DESC, id DESC)
      WHERE matches OR id & 63 = 0 LIMIT ${limit}`,
    ...own.values,
    ...conditions.values,
  );
}
