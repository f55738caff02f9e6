import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';

import { DashboardError } from '../http/dashboard-error.js';
import { type KeptProfile, PROFILE_SECONDS } from './profiling.js';
import { type CpuNode, type CpuProfile, type RecordedProfile } from './record-cpu.js';

/** `kind` of the command that asks for a CPU profile. Its details are `{ seconds }`, its result is the profile as compressed JSON. */
export const CPU_PROFILE = 'cpu-profile';

/** A larger one would block two event loops for long: that of the process, and that of the page which reads it. */
export const MAX_PROFILE_TEXT = 8 * 1_024 * 1_024;

const FAILED = 502;

/** How a recording goes, as the process says that was asked. */
export interface RecordingAnswer {
  readonly startedAt: number;
  readonly endsAt: number;
  /** How many more it records in this hour. */
  readonly left: number;
}

/** What is known of a recorded profile without reading it. */
export interface RecordedAnswer {
  readonly startedAt: number;
  readonly endedAt: number;
  readonly samples: number;
  readonly bytes: number;
  readonly left: number;
}

/** Why there is no profile. */
export interface FailedAnswer {
  readonly status: number;
  readonly message: string;
}

/** The length of the profile that is asked for. @throws DashboardError 400 */
export function readSeconds(details: string): number {
  const { seconds } = readObject(details);
  const { min, max } = PROFILE_SECONDS;
  if (typeof seconds !== 'number' || !(seconds >= min && seconds <= max))
    throw new DashboardError(400, `seconds must be a number from ${min} to ${max}.`);
  return seconds;
}

/** undefined where another version wrote something else. */
export function readRecording(answer: string | null): RecordingAnswer | undefined {
  const { startedAt, endsAt, left } = readObject(answer ?? '');
  if (!isFinite(startedAt) || !isFinite(endsAt)) return undefined;
  return { startedAt, endsAt, left: isFinite(left) ? left : 0 };
}

/** undefined where another version wrote something else. */
export function readRecorded(answer: string | null): RecordedAnswer | undefined {
  const { startedAt, endedAt, samples, bytes, left } = readObject(answer ?? '');
  if (!isFinite(startedAt) || !isFinite(endedAt) || !isFinite(samples) || !isFinite(bytes)) return undefined;
  return { startedAt, endedAt, samples, bytes, left: isFinite(left) ? left : 0 };
}

export function readFailure(answer: string | null): FailedAnswer {
  const { status, message } = readObject(answer ?? '');
  return {
    status: isFinite(status) && status >= 400 && status < 600 ? status : FAILED,
    message: typeof message === 'string' ? message.slice(0, 500) : 'The process could not record a profile.',
  };
}

/**
 * The profile as compressed JSON.
 *
 * @throws DashboardError 413 where it is too large
 */
export async function packProfile({ profile, bytes }: KeptProfile, maxBytes: number): Promise<Uint8Array> {
  if (bytes <= MAX_PROFILE_TEXT) {
    const packed = await promisify(gzip)(JSON.stringify(profile));
    if (packed.byteLength <= maxBytes) return packed;
  }
  throw new DashboardError(
    413,
    `The profile has about ${Math.ceil(bytes / 1_048_576)} MiB, which is too large for the store: record fewer seconds, or open the page of the process itself.`,
  );
}

/** @throws DashboardError 502 where it is no profile */
export async function unpackProfile(packed: Uint8Array, startedAt: number): Promise<RecordedProfile> {
  try {
    const text = await promisify(gunzip)(packed, { maxOutputLength: 2 * MAX_PROFILE_TEXT });
    const profile = JSON.parse(text.toString()) as unknown;
    if (isProfile(profile)) return { profile, startedAt };
  } catch {
    // Cut, or not what it says: the same as another form.
  }
  throw new DashboardError(502, 'The stored profile cannot be read; another version may have written it.');
}

function isProfile(value: unknown): value is CpuProfile {
  const { nodes, samples, timeDeltas, startTime, endTime } = (value ?? {}) as Partial<CpuProfile>;
  return (
    isFinite(startTime) &&
    isFinite(endTime) &&
    Array.isArray(samples) &&
    Array.isArray(timeDeltas) &&
    timeDeltas.every(isFinite) &&
    Array.isArray(nodes) &&
    nodes.every(isNode)
  );
}

function isNode(value: unknown): value is CpuNode {
  const { id, callFrame, children = [] } = (value ?? {}) as Partial<CpuNode>;
  return (
    isFinite(id) &&
    Array.isArray(children) &&
    typeof callFrame === 'object' &&
    typeof callFrame.functionName === 'string' &&
    typeof callFrame.url === 'string' &&
    isFinite(callFrame.lineNumber) &&
    isFinite(callFrame.columnNumber)
  );
}

const isFinite = (value: unknown): value is number => Number.isFinite(value);

function readObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    // Another version may write otherwise; nothing is known then.
    return {};
  }
}
