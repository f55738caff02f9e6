import { randomUUID } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { PassThrough, type Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { getHeapSnapshot, getHeapStatistics } from 'node:v8';

import { warnOnce } from '../../errors/warnings.js';
import { processWide } from '../../process/process-wide.js';
import { DashboardError } from '../http/dashboard-error.js';
import { type InspectorRefusal } from '../sources/inspector.js';
import { ProfileBudget, PROFILES_PER_HOUR } from './profile-budget.js';
import { type CpuRecording, recordCpu, type RecordedProfile } from './record-cpu.js';
import { writeProfilingLine } from './write-profiling-line.js';

/** How long a profile may be, in seconds. */
export const PROFILE_SECONDS = { default: 10, min: 1, max: 30 } as const;
/** The last ones stay, in memory, while they are together no larger than this. */
const MAX_KEPT = 4;
const MAX_KEPT_BYTES = 32 * 1_024 * 1_024;
/** A process whose event loop is busier has no time to be profiled. */
const MAX_UTILIZATION = 0.95;
const MEASURED_MS = 100;
/** The snapshot of a larger heap would stop the process for too long. */
export const MAX_HEAP_BYTES = 512 * 1_024 * 1_024;

/** A CPU profile that is kept. */
export interface KeptProfile extends RecordedProfile {
  readonly id: string;
  readonly by: string;
  /** Milliseconds since the epoch. */
  readonly endedAt: number;
  readonly bytes: number;
}

/** A CPU profile that is being recorded. */
export interface RunningProfile {
  readonly id: string;
  readonly by: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly endsAt: number;
}

interface OpenProfile {
  readonly running: RunningProfile;
  readonly recording: CpuRecording;
  readonly timer: NodeJS.Timeout;
  readonly onEnd: ((profile: KeptProfile | undefined) => void) | undefined;
}

/** What uses the profiler of this process now: there is one, whatever number of applications and copies of this package there are. */
const occupied = processWide('profiling', (): { by: 'profile' | 'snapshot' | undefined } => ({
  by: undefined,
}));

/** CPU profiles and heap snapshots of this process, within a budget. Its methods throw a `DashboardError` with the reason of a refusal. */
export class Profiling {
  private open: OpenProfile | undefined;
  private kept: KeptProfile[] = [];
  private snapshot: Readable | undefined;
  private closed = false;

  /**
   * @param measureLoad how busy the event loop is, 0 to 1
   * @param budget of the process
   */
  constructor(
    private readonly measureLoad: () => Promise<number> = measureUtilization,
    private readonly budget = new ProfileBudget(),
  ) {}

  get running(): RunningProfile | undefined {
    return this.open?.running;
  }

  /** The newest first. */
  get profiles(): readonly KeptProfile[] {
    return this.kept;
  }

  /** How many more may be taken in this hour. */
  left(now = Date.now()): number {
    return this.budget.left(now);
  }

  /**
   * Records a CPU profile, which ends by itself.
   *
   * @param onEnd takes it, and it is not kept here; undefined where it could not be read. Not called when the application stops before
   */
  async start(
    seconds: number,
    by: string,
    onEnd?: (profile: KeptProfile | undefined) => void,
  ): Promise<RunningProfile> {
    this.occupy('profile');
    try {
      if (this.left() <= 0) throw this.tooMany();
      const load = await this.measureLoad();
      if (load > MAX_UTILIZATION)
        throw new DashboardError(
          503,
          `The event loop is ${Math.round(load * 100)} % busy: a profile would make it slower still. Try again when it has time.`,
          { 'retry-after': '10' },
        );
      if (this.closed) throw new DashboardError(503, 'The application is stopping.');
      return this.begin(seconds, by, onEnd);
    } catch (error) {
      occupied.by = undefined;
      throw error;
    }
  }

  /** Ends the recording now and keeps what it has. */
  stop(by: string): KeptProfile {
    if (this.open === undefined) throw new DashboardError(404, 'No CPU profile is being recorded.');
    const kept = this.end(`was stopped by ${by}`);
    if (kept === undefined)
      throw new DashboardError(503, 'The profile could not be read; the log has the reason.');
    return kept;
  }

  find(id: string): KeptProfile | undefined {
    return this.kept.find((profile) => profile.id === id);
  }

  /** A snapshot of the heap, as it is read. The process stands still while it is taken. */
  takeSnapshot(by: string): Readable {
    this.occupy('snapshot');
    try {
      const { used_heap_size: bytes } = getHeapStatistics();
      if (bytes > MAX_HEAP_BYTES)
        throw new DashboardError(
          503,
          `The heap has ${Math.round(bytes / 1_048_576)} MiB, and its snapshot would stop the process for long; at most ${MAX_HEAP_BYTES / 1_048_576} MiB are taken from here. Use node --heapsnapshot-signal.`,
        );
      writeProfilingLine(`A heap snapshot is taken by ${by}: it contains everything that is in memory`, {
        event: 'heap snapshot',
        by,
      });
      const snapshot = getHeapSnapshot();
      // The stream of Node 22 never says that it is closed.
      const sent = new PassThrough();
      snapshot.once('error', (error) => sent.destroy(error));
      sent.once('close', () => {
        snapshot.destroy();
        this.snapshot = undefined;
        occupied.by = undefined;
      });
      this.snapshot = sent;
      return snapshot.pipe(sent);
    } catch (error) {
      occupied.by = undefined;
      throw error;
    }
  }

  /** Ends what runs and forgets what is kept. Never throws. */
  close(): void {
    this.closed = true;
    this.snapshot?.destroy();
    const { open } = this;
    if (open !== undefined) {
      this.free(open);
      open.recording.discard();
      writeProfilingLine(`The CPU profile by ${open.running.by} has ended, because the application stops`, {
        event: 'ends with the application',
        by: open.running.by,
      });
    }
    this.kept = [];
  }

  private occupy(by: 'profile' | 'snapshot'): void {
    if (this.closed) throw new DashboardError(503, 'The application is stopping.');
    if (occupied.by !== undefined)
      throw new DashboardError(
        409,
        occupied.by === 'profile'
          ? 'A CPU profile of this process is being recorded already. Wait for its end, or stop it.'
          : 'A heap snapshot of this process is being taken. Wait for its end.',
      );
    occupied.by = by;
  }

  private tooMany(): DashboardError {
    const wait = this.budget.waitSeconds;
    return new DashboardError(
      429,
      `${PROFILES_PER_HOUR} profiles were recorded in the last hour, which is the limit. Try again in ${Math.ceil(wait / 60)} minutes.`,
      { 'retry-after': String(wait) },
    );
  }

  private begin(seconds: number, by: string, onEnd: OpenProfile['onEnd']): RunningProfile {
    const recording = recordCpu();
    if (typeof recording === 'string') throw refusalOf(recording);
    const startedAt = Date.now();
    const running = { id: randomUUID(), by, startedAt, endsAt: startedAt + seconds * 1_000 };
    const timer = setTimeout(() => {
      this.end('has ended by itself');
    }, seconds * 1_000).unref();
    this.open = { running, recording, timer, onEnd };
    this.budget.spend(startedAt);
    writeProfilingLine(`A CPU profile of ${seconds} s is recorded by ${by}`, {
      event: 'begins',
      by,
      seconds,
    });
    return running;
  }

  private end(how: string): KeptProfile | undefined {
    const { open } = this;
    if (open === undefined) return undefined;
    this.free(open);
    const kept = this.read(open, how);
    if (open.onEnd !== undefined) open.onEnd(kept);
    else if (kept !== undefined) this.keep(kept);
    return kept;
  }

  private read({ running: { id, by }, recording }: OpenProfile, how: string): KeptProfile | undefined {
    try {
      const recorded = recording.stop();
      const { nodes, samples } = recorded.profile;
      // About what it takes as text.
      const bytes = nodes.length * 200 + samples.length * 12;
      const kept = { ...recorded, id, by, endedAt: Date.now(), bytes };
      writeProfilingLine(`The CPU profile by ${by} ${how}`, { event: how, by, samples: samples.length });
      return kept;
    } catch (error) {
      warnOnce('dashboard:profile', `A CPU profile could not be read: ${String(error)}`, 60_000);
      return undefined;
    }
  }

  private free({ timer }: OpenProfile): void {
    clearTimeout(timer);
    this.open = undefined;
    occupied.by = undefined;
  }

  private keep(profile: KeptProfile): void {
    const all = [profile, ...this.kept].slice(0, MAX_KEPT);
    let bytes = 0;
    this.kept = all.filter((each, index) => (bytes += each.bytes) <= MAX_KEPT_BYTES || index === 0);
  }
}

const REFUSALS: Readonly<Record<InspectorRefusal, readonly [status: number, message: string]>> = {
  missing: [503, 'This Node was built without an inspector, which has the profiler.'],
  attached: [409, 'The inspector of this process is open (--inspect): profile it from there.'],
  forbidden: [503, "Node's permission model does not allow the inspector, which has the profiler."],
};

function refusalOf(refusal: InspectorRefusal): DashboardError {
  return new DashboardError(...REFUSALS[refusal]);
}

async function measureUtilization(): Promise<number> {
  const before = performance.eventLoopUtilization();
  await sleep(MEASURED_MS, undefined, { ref: false });
  return performance.eventLoopUtilization(before).utilization;
}
