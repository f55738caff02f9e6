import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { DashboardError } from '../http/dashboard-error.js';
import {
  type KnownProcess,
  type ProcessCommands,
  type ProcessName,
  type StoredCommand,
} from './process-commands.interface.js';
import {
  CPU_PROFILE,
  readFailure,
  readRecorded,
  readRecording,
  type RecordedAnswer,
  type RecordingAnswer,
  unpackProfile,
} from './profile-command.js';
import { type RunningProfile } from './profiling.js';
import { type RecordedProfile } from './record-cpu.js';
import { writeProfilingLine } from './write-profiling-line.js';

/** Processes look for commands once a second, and measure their load first: so long without an answer is no delay. */
const ANSWER_MS = 5_000;
/** One that has taken a command says soon how it goes. */
const TAKEN_MS = 10_000;
/** After the end of a recording, its profile is read, compressed and stored. */
const LATE_MS = 15_000;
const LOOK_MS = 50;
/** A process says how it does at least every 15 seconds. */
const SILENT_MS = 60_000;
/** Profiles that have been read stay: each zoom and each request of one asks again. */
const MAX_READ = 2;

/** A profile that another process has recorded. */
export interface OtherProfile extends RecordedAnswer {
  readonly id: string;
  readonly by: string;
  readonly process: ProcessName;
}

/** What is known of the profiles of a process that is asked through the store. */
export interface OtherProfiles {
  readonly running: RunningProfile | undefined;
  /** The newest first. */
  readonly profiles: readonly OtherProfile[];
  /** Why the last recording has left no profile. */
  readonly problem: string | undefined;
  /** How many more it records in this hour, as it said last. */
  readonly left: number | undefined;
}

/** CPU profiles of processes that have the same store open, for which they are asked there. */
export class OtherProcesses {
  private readonly read = new Map<string, Promise<RecordedProfile>>();

  constructor(
    private readonly commands: ProcessCommands,
    /** Who asks, for the log lines of the process that is asked. */
    private readonly page: string,
  ) {}

  /** Of the process; undefined where nothing is known of it. */
  pid(name: ProcessName): number | undefined {
    return this.commands.process(name)?.pid;
  }

  /** Why a process cannot be asked; undefined where it can. */
  refusal(name: ProcessName): string | undefined {
    return whyNot(this.commands.process(name));
  }

  list(name: ProcessName): OtherProfiles {
    const all = this.commands.list(name).filter(({ kind }) => kind === CPU_PROFILE);
    const now = Date.now();
    const profiles = all.flatMap((command) => toProfile(command) ?? []);
    const open = all.find((command) => isRunning(command, now));
    const recording = open && readRecording(open.answer);
    const [newest] = all;
    return {
      running: open && recording && toRunning(open.id, open.askedBy, recording),
      profiles,
      problem: newest && problemOf(newest, now),
      left: (newest && (readRecording(newest.answer) ?? readRecorded(newest.answer)))?.left,
    };
  }

  /** Whether there is any, of whatever process. */
  get haveProfiles(): boolean {
    return this.commands.hasResults;
  }

  /** The profile of that id, without its samples. */
  find(id: string): OtherProfile | undefined {
    const command = this.commands.find(id);
    return command && toProfile(command);
  }

  /** @throws DashboardError 404 where it is gone, 502 where it cannot be read */
  async load({ id, startedAt }: OtherProfile): Promise<RecordedProfile> {
    let profile = this.read.get(id);
    if (profile === undefined) {
      const packed = this.commands.result(id);
      if (packed === undefined) throw new DashboardError(404, 'This profile is gone.');
      profile = unpackProfile(packed, startedAt);
      this.read.set(id, profile);
      profile.catch(() => this.read.delete(id));
      const [oldest] = this.read.keys();
      if (this.read.size > MAX_READ && oldest !== undefined) this.read.delete(oldest);
    }
    return profile;
  }

  /**
   * Asks a process for a CPU profile. Resolves when it records.
   *
   * @throws DashboardError with the reason of its refusal, 409 while one is recorded, 504 where it does not answer in time
   */
  async start(name: ProcessName, seconds: number, by: string): Promise<RunningProfile> {
    const known = this.commands.process(name);
    const reason = whyNot(known);
    if (reason !== undefined) throw new DashboardError(409, reason);
    const id = randomUUID();
    writeProfilingLine(`A CPU profile of ${nameOf(name, known)} is asked for by ${by}`, {
      event: 'asks another process',
      by,
      seconds,
      process: nameOf(name, known),
    });
    const command = {
      id,
      kind: CPU_PROFILE,
      details: JSON.stringify({ seconds }),
      askedBy: `${by}, from ${this.page}`,
    };
    const now = Date.now();
    const asked = await this.commands.ask(name, command, (other) => isOpen(other, now));
    if (asked === undefined) throw new DashboardError(503, 'The store cannot be written now. Try again.');
    if (asked !== 'asked')
      throw new DashboardError(
        409,
        `A CPU profile of this process is being recorded already, for ${asked.askedBy}. Wait for its end, or stop it.`,
      );
    return toRunning(id, command.askedBy, await this.whenRecording(id));
  }

  /**
   * Has a process end its recording now. Resolves with the profile.
   *
   * @throws DashboardError 404 where it records none for a page, 504 where it does not answer in time
   */
  async stop(name: ProcessName, by: string): Promise<OtherProfile> {
    const { running } = this.list(name);
    if (running === undefined || !(await this.commands.stop(running.id, `${by}, from ${this.page}`)))
      throw new DashboardError(404, 'No CPU profile of this process is being recorded for a page.');
    for (const until = performance.now() + LATE_MS; performance.now() < until;) {
      const command = this.commands.find(running.id);
      const profile = command && toProfile(command);
      if (profile !== undefined) return profile;
      if (command?.state === 'failed') throw toError(command);
      if (command?.ended !== false) break;
      await sleep(LOOK_MS);
    }
    throw new DashboardError(504, 'The process has not sent its profile: it has ended, or is blocked.');
  }

  private async whenRecording(id: string): Promise<Pick<RecordingAnswer, 'startedAt' | 'endsAt'>> {
    const asked = performance.now();
    for (;;) {
      const command = this.commands.find(id);
      const recording = readRecording(command?.answer ?? null);
      if (recording !== undefined) return recording;
      // It may have ended already, where this process was blocked.
      const recorded = command && toProfile(command);
      if (recorded !== undefined) return { startedAt: recorded.startedAt, endsAt: recorded.endedAt };
      if (command?.state === 'failed') {
        void this.commands.withdraw(id, ['failed']);
        throw toError(command);
      }
      const waited = performance.now() - asked;
      if (command === undefined)
        throw new DashboardError(503, 'The question is gone: the store was cleared, or is another file now.');
      if (command.ended) throw new DashboardError(410, 'The process has ended before it could answer.');
      // Deleted in one statement, so that the process cannot run it after this timeout.
      if (waited > ANSWER_MS && (await this.commands.withdraw(id, ['asked'])))
        throw new DashboardError(
          504,
          `The process has not answered within ${ANSWER_MS / 1_000} s: it was killed, is blocked, or has closed its store. Nothing is recorded.`,
        );
      if (waited > TAKEN_MS)
        throw new DashboardError(
          504,
          'The process has taken the question and not answered: it was killed, or is blocked.',
        );
      await sleep(LOOK_MS);
    }
  }
}

/** A process by its name, and its number where that is known. */
function nameOf({ service, instance }: ProcessName, known: KnownProcess | undefined): string {
  return `${service} (${known?.pid === undefined ? instance : `pid ${known.pid}`})`;
}

function whyNot(process: KnownProcess | undefined): string | undefined {
  if (process === undefined)
    return 'This process cannot be asked: it sends its telemetry, or has an earlier version of nestjs-telemetry. Open its own page to profile it.';
  const { writes, ended, lastSeen, profiling } = process;
  if (!writes)
    return 'This process sends its telemetry by OTLP: only one that has the store of this page open can be asked for a profile. Open its own page.';
  if (ended) return 'This process has ended.';
  if (profiling === undefined)
    return 'This process has an earlier version of nestjs-telemetry, which cannot be asked for a profile. Open its own page.';
  if (profiling.refused !== undefined) return `This process records no profiles: ${profiling.refused}`;
  const silentMs = Date.now() - lastSeen;
  if (silentMs > SILENT_MS)
    return `This process has not reported for ${Math.round(silentMs / 1_000)} s: it was killed, hangs, or has another store open.`;
  return undefined;
}

function toProfile({
  id,
  state,
  askedBy,
  answer,
  service,
  instance,
}: StoredCommand): OtherProfile | undefined {
  const recorded = state === 'done' ? readRecorded(answer) : undefined;
  return recorded && { id, by: askedBy, process: { service, instance }, ...recorded };
}

function toRunning(
  id: string,
  by: string,
  { startedAt, endsAt }: Pick<RecordingAnswer, 'startedAt' | 'endsAt'>,
): RunningProfile {
  return { id, by, startedAt, endsAt };
}

const hasBegun = ({ state }: StoredCommand): boolean => state === 'running' || state === 'stopping';

/** Until when an answer can still come, in milliseconds since the epoch. */
function awaitedUntil({ state, askedAt, answer }: StoredCommand): number {
  if (state === 'asked') return askedAt + ANSWER_MS;
  return (readRecording(answer)?.endsAt ?? askedAt) + LATE_MS;
}

function isOpen(command: StoredCommand, now: number): boolean {
  return (command.state === 'asked' || hasBegun(command)) && !command.ended && now < awaitedUntil(command);
}

function isRunning(command: StoredCommand, now: number): boolean {
  return hasBegun(command) && isOpen(command, now);
}

function problemOf(command: StoredCommand, now: number): string | undefined {
  if (command.state === 'failed') return readFailure(command.answer).message;
  if (!hasBegun(command)) return undefined;
  if (command.ended) return 'The process has ended while it was profiled.';
  return now < awaitedUntil(command)
    ? undefined
    : 'The process has not sent the profile that it began: it was killed, or is blocked.';
}

function toError({ answer }: StoredCommand): DashboardError {
  const { status, message } = readFailure(answer);
  return new DashboardError(status, `The process has refused: ${message}`);
}
