import {
  askInspector,
  type InspectorRefusal,
  type InspectorSession,
  openInspector,
} from '../sources/inspector.js';

/** A function on the stack, at one place below those that called it. */
export interface CpuNode {
  readonly id: number;
  readonly callFrame: {
    readonly functionName: string;
    readonly scriptId: string;
    /** Empty for native code. */
    readonly url: string;
    /** From 0. */
    readonly lineNumber: number;
    readonly columnNumber: number;
  };
  readonly children?: readonly number[];
}

/** A profile as V8 makes it, which is what a file `.cpuprofile` has. Times are microseconds of V8's own clock. */
export interface CpuProfile {
  readonly nodes: readonly CpuNode[];
  readonly startTime: number;
  readonly endTime: number;
  /** `id` of a node each. */
  readonly samples: readonly number[];
  /** Each since the sample before. */
  readonly timeDeltas: readonly number[];
}

/** A profile, and when it was taken. */
export interface RecordedProfile {
  readonly profile: CpuProfile;
  /** `startTime` of the profile in milliseconds since the epoch. */
  readonly startedAt: number;
}

/** A recording that runs. */
export interface CpuRecording {
  /** Ends it. @throws the inspector's error */
  stop(): RecordedProfile;
  /** Ends it without a profile. Never throws. */
  discard(): void;
}

/** Microseconds between two samples: V8's default. */
export const SAMPLING_INTERVAL_US = 1_000;

/**
 * Starts V8's own profiler on this thread, or says why the inspector cannot be used.
 *
 * @throws the inspector's error
 */
export function recordCpu(intervalUs = SAMPLING_INTERVAL_US): CpuRecording | InspectorRefusal {
  const session = openInspector();
  if (typeof session === 'string') return session;
  try {
    return begin(session, intervalUs);
  } catch (error) {
    session.disconnect();
    throw error;
  }
}

function begin(session: InspectorSession, intervalUs: number): CpuRecording {
  askInspector(session, 'Profiler.enable');
  askInspector(session, 'Profiler.setSamplingInterval', { interval: intervalUs });
  const before = Date.now();
  const clock = Number(process.hrtime.bigint()) / 1_000;
  askInspector(session, 'Profiler.start');
  return {
    stop: () => {
      try {
        const { profile } = askInspector<{ profile: CpuProfile }>(session, 'Profiler.stop');
        // V8 and Node read the same clock on most systems; elsewhere the time before the start is near enough.
        const late = (profile.startTime - clock) / 1_000;
        return { profile, startedAt: late >= 0 && late < 1_000 ? before + late : before };
      } finally {
        session.disconnect();
      }
    },
    discard: () => {
      session.disconnect();
    },
  };
}
