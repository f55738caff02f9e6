import { type TraceState } from '@opentelemetry/api';
import { TraceState as ListedMembers } from '@opentelemetry/core';

import { type TraceId, wordAt } from './local-span.js';

/** Hexadecimal digits of 56 bits. */
const DIGITS = 14;
const POPULATION = 2n ** 56n;
/** What OpenTelemetry's specification recommends: samplers with one ratio must have one threshold, whatever wrote it. */
const PRECISION = 4;

/**
 * The randomness of a trace: the last 56 bits of its id, or what `rv` of the trace state says instead.
 */
export interface Randomness {
  /** 32 bits, of which the last 24 count. */
  readonly c: number;
  /** 32 bits. */
  readonly d: number;
}

/**
 * The rejection threshold of OpenTelemetry's probability sampling: how many of 2^56 traces are not sampled. A trace is sampled where its
 * randomness is not below it, so that each sampler with a smaller ratio samples a part of what one with a larger ratio does.
 */
export class Threshold {
  /** All traces are sampled. */
  static readonly ALL = new Threshold(0n);
  static readonly NONE = new Threshold(POPULATION);

  private readonly high: number;
  private readonly low: number;
  /** As in the trace state: trailing zeros are left out. */
  readonly text: string;
  private ownState: TraceState | undefined;

  private constructor(rejected: bigint) {
    this.high = Number(rejected >> 32n);
    this.low = Number(rejected & 0xffff_ffffn);
    this.text = rejected.toString(16).padStart(DIGITS, '0').replace(/0+$/, '') || '0';
  }

  /** @param ratio 0 to 1 */
  static ofRatio(ratio: number): Threshold {
    if (ratio >= 1) return Threshold.ALL;
    const sampled = BigInt(Math.round(ratio * 2 ** 56));
    if (!(sampled > 0n)) return Threshold.NONE;
    // Each leading `f` is a digit that distinguishes nothing.
    const leading = Math.floor((-Math.floor(Math.log2(ratio)) - 1) / 4);
    const unit = 16n ** BigInt(DIGITS - Math.min(12, PRECISION + leading));
    const rejected = ((POPULATION - sampled + unit / 2n) / unit) * unit;
    return new Threshold(rejected < POPULATION ? rejected : POPULATION - unit);
  }

  /** The threshold of 1 to 14 hexadecimal digits; undefined for any other text. */
  static parse(text: string): Threshold | undefined {
    return /^[\da-f]{1,14}$/i.test(text) ? new Threshold(BigInt(`0x${text.padEnd(DIGITS, '0')}`)) : undefined;
  }

  admits({ c, d }: Randomness): boolean {
    const high = c & 0xff_ffff;
    return high > this.high || (high === this.high && d >>> 0 >= this.low);
  }

  /** How many traces a sampled one stands for. */
  get adjustedCount(): number {
    const sampled = POPULATION - ((BigInt(this.high) << 32n) | BigInt(this.low));
    return Number(POPULATION) / Number(sampled);
  }

  /** The trace state that says this and nothing else; one object for all traces, with its text. */
  get traceState(): TraceState {
    return (this.ownState ??= new WrittenTraceState(new ListedMembers(`${MEMBER}=th:${this.text}`)));
  }
}

/** Keeps its text: it is asked for with each span that is sent and each call that goes out. */
class WrittenTraceState implements TraceState {
  private readonly text: string;

  constructor(private readonly members: TraceState) {
    this.text = members.serialize();
  }

  get(key: string): string | undefined {
    return this.members.get(key);
  }

  set(key: string, value: string): TraceState {
    return this.members.set(key, value);
  }

  unset(key: string): TraceState {
    return this.members.unset(key);
  }

  serialize(): string {
    return this.text;
  }
}

/** OpenTelemetry's member of a trace state, a list of `key:value`. */
const MEMBER = 'ot';
const MAX_MEMBER = 256;
const THRESHOLD = 'th:';
const RANDOMNESS = 'rv:';

/** What the trace state of a caller says; undefined where it says nothing, or nothing valid. */
export function thresholdIn(state: TraceState | undefined): Threshold | undefined {
  const field = fieldOf(state, THRESHOLD);
  return field === undefined ? undefined : Threshold.parse(field);
}

/** The randomness of a trace; that of its state counts before that of its id. */
export function randomnessOf(traceId: TraceId | string, state: TraceState | undefined): Randomness {
  const explicit = fieldOf(state, RANDOMNESS);
  if (explicit !== undefined && isRandomness(explicit))
    return { c: wordAt(`00${explicit}`, 0), d: wordAt(explicit, 6) };
  return typeof traceId === 'string' ? { c: wordAt(traceId, 16), d: wordAt(traceId, 24) } : traceId;
}

/**
 * The state with this threshold instead of the one it has, or with none. Other members and fields stay, but for a randomness that is not
 * valid. Returns the same object where it says so already.
 */
export function withThreshold(state: TraceState | undefined, threshold: Threshold): TraceState;
export function withThreshold(
  state: TraceState | undefined,
  threshold: Threshold | undefined,
): TraceState | undefined;
export function withThreshold(
  state: TraceState | undefined,
  threshold: Threshold | undefined,
): TraceState | undefined {
  if (state === undefined) return threshold?.traceState;
  const member = state.get(MEMBER);
  if (member === undefined && threshold === undefined) return state;
  const others = (member ?? '')
    .split(';')
    .filter((field) => field !== '' && !field.startsWith(THRESHOLD) && !isInvalidRandomness(field));
  const fields = threshold === undefined ? others : [...others, `${THRESHOLD}${threshold.text}`];
  const text = fields.join(';');
  if (text === member) return state;
  if (text === '') return new WrittenTraceState(state.unset(MEMBER));
  // Without a threshold nothing wrong is said.
  return new WrittenTraceState(state.set(MEMBER, text.length > MAX_MEMBER ? others.join(';') : text));
}

/** The state that goes on from a caller who has decided: without a threshold that is not valid, or that says something else. */
export function checkedState(
  state: TraceState | undefined,
  traceId: TraceId | string,
  isSampled: boolean,
): TraceState | undefined {
  const threshold = thresholdIn(state);
  const agrees = threshold?.admits(randomnessOf(traceId, state)) === isSampled;
  const randomness = fieldOf(state, RANDOMNESS);
  if (agrees && (randomness === undefined || isRandomness(randomness))) return state;
  return withThreshold(state, agrees ? threshold : undefined);
}

function fieldOf(state: TraceState | undefined, name: string): string | undefined {
  const member = state?.get(MEMBER);
  return member
    ?.split(';')
    .find((field) => field.startsWith(name))
    ?.slice(name.length);
}

function isRandomness(text: string): boolean {
  return /^[\da-f]{14}$/i.test(text);
}

function isInvalidRandomness(field: string): boolean {
  return field.startsWith(RANDOMNESS) && !isRandomness(field.slice(RANDOMNESS.length));
}
