import { ATTR_SERVICE_INSTANCE_ID } from '../../../config/semantic-conventions.constants.js';
import { type Question } from '../../api/question.js';
import { type ProcessName } from '../../profiling/process-commands.interface.js';
import { type CpuFrame, type SummedProfile } from '../../profiling/summed-profile.interface.js';
import { type SourceAnswer } from '../../reader/answers/answer-parts.interface.js';
import { type TelemetryReader } from '../../reader/telemetry-reader.interface.js';

/** Addresses of the panel, and their answers. */
export interface ProfilesApi {
  readonly 'GET profiles': ProfilesAnswer;
  readonly 'POST profiles': RunningProfileAnswer;
  readonly 'POST profiles/stop': ProfileAnswer;
  readonly 'GET profiles/:id': FlameAnswer;
  readonly 'GET profiles/:id/cpuprofile': object;
  readonly 'POST heap-snapshot': object;
}

/** A CPU profile that is kept, without its samples. */
export interface ProfileAnswer {
  readonly id: string;
  /** The address that recorded it. */
  readonly by: string;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly samples: number;
  /** About what its file takes. */
  readonly bytes: number;
}

/** A CPU profile that is being recorded. */
export interface RunningProfileAnswer {
  readonly id: string;
  readonly by: string;
  readonly startedAt: number;
  readonly endsAt: number;
}

/** CPU profiles of a process: the one that serves the page, or another that has the same store open. */
export interface ProfilesAnswer {
  /** Whether it is the process that serves the page. */
  readonly own: boolean;
  /** undefined where the process does not say it. */
  readonly pid?: number | undefined;
  readonly service?: string | undefined;
  readonly instance?: string | undefined;
  /** Why none can be recorded from the page; undefined where it can. */
  readonly refused?: string | undefined;
  readonly running?: RunningProfileAnswer | undefined;
  /** Why the last recording for which a page asked through the store has left no profile. */
  readonly problem?: string | undefined;
  /** The newest first. With `traceId` those that were recorded while the trace ran, if the process took part in it. */
  readonly profiles: readonly ProfileAnswer[];
  readonly seconds: { readonly default: number; readonly min: number; readonly max: number };
  /** How many more may be recorded in this hour; of another process as it said last, undefined before. */
  readonly left?: number | undefined;
  /** Bytes of the heap that are in use, and up to which its snapshot is taken; undefined of another process, which takes none from here. */
  readonly heap?: { readonly used: number; readonly max: number } | undefined;
}

/** A function on the stack, with its place in the source where that is at hand. */
export interface FlameFrame extends CpuFrame {
  readonly source?: SourceAnswer | undefined;
}

/** Where the time of a profile, or of a part of it, went. */
export interface FlameAnswer extends Omit<SummedProfile, 'frames'> {
  readonly profile: ProfileAnswer;
  readonly frames: readonly FlameFrame[];
  /** Of a part of the profile: how many other stored traces of the service ran meanwhile; undefined where that is not known. */
  readonly others?: number | undefined;
}

/** A stretch of time. */
interface Interval {
  readonly from: number;
  readonly to: number;
}

/** When a trace ran, if the process took part in it. */
export async function whenTraceRan(
  { reader, signal }: Pick<Question, 'reader' | 'signal'>,
  process: ProcessName | undefined,
  traceId: string,
): Promise<Interval | undefined> {
  const [summaries, resources] = await Promise.all([
    reader.summaries([traceId], { signal }),
    reader.resources(traceId, { signal }),
  ]);
  const summary = summaries.get(traceId);
  if (summary === undefined || process === undefined || !Object.hasOwn(resources, process.service))
    return undefined;
  if ((resources[process.service]?.[ATTR_SERVICE_INSTANCE_ID] ?? '') !== process.instance) return undefined;
  return { from: summary.start, to: summary.start + summary.durationMs };
}

/** Traces that began earlier are not looked at: few run for longer. */
const EARLIER_MS = 60_000;
const MAX_TRACES = 500;

/** How many traces of the service, but this one, ran in a stretch of time. */
export async function countOthers(
  reader: TelemetryReader,
  service: string,
  { from, to }: Interval,
  traceId: string | undefined,
  signal: AbortSignal,
): Promise<number> {
  const { items } = await reader.traces(
    { service, from: from - EARLIER_MS, to, limit: MAX_TRACES },
    { signal },
  );
  return items.filter(
    (trace) => trace.traceId !== traceId && trace.start < to && trace.start + trace.durationMs > from,
  ).length;
}
