import { type Span, type SpanContext, TraceFlags, type TraceState } from '@opentelemetry/api';

import { fixedSource } from './fixed-source.js';
import { ENDED_BEFORE_PARENT, LINEAGE, type Lineage, markTurn } from './lineage.js';

const BYTES = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** The eight hexadecimal digits of 32 bits. */
export function hexOf(word: number): string {
  return (
    digitsOf(word >>> 24) +
    digitsOf((word >>> 16) & 0xff) +
    digitsOf((word >>> 8) & 0xff) +
    digitsOf(word & 0xff)
  );
}

/** Two hexadecimal digits. */
function digitsOf(byte: number): string {
  return BYTES[byte] ?? '';
}

const fixed = fixedSource();

/** 32 random bits. `Math.random()` is seeded by the engine once per process; asking the system for each id costs 30 times as much. */
function randomWord(): number {
  return (Math.random() * 0x1_0000_0000) | 0;
}

/** The 32 bits that eight hexadecimal digits from `start` stand for. */
export function wordAt(text: string, start: number): number {
  let word = 0;
  for (let index = start; index < start + 8; index += 1) word = (word << 4) | digitOf(text.charCodeAt(index));
  return word;
}

function digitOf(code: number): number {
  // 0–9 are 48–57; A–F and a–f count from 1 in their last four bits.
  return code < 58 ? code - 48 : (code & 0xf) + 9;
}

/** The id of a span as two numbers of 32 bits. */
export interface SpanId {
  readonly idHigh: number;
  readonly idLow: number;
}

/** Ids and flags of a span of this process as numbers; no text of them need exist. */
export interface LocalIds extends SpanId {
  readonly traceId: TraceId;
  readonly traceFlags: number;
}

/** Parses an id of 16 hexadecimal digits. */
export function parseSpanId(text: string): SpanId {
  return { idHigh: wordAt(text, 0), idLow: wordAt(text, 8) };
}

/** The 128 bits that all spans of a local trace share; their text is made on demand. */
export class TraceId {
  private text: string | undefined;

  private constructor(
    readonly a: number,
    readonly b: number,
    readonly c: number,
    readonly d: number,
    text?: string,
  ) {
    this.text = text;
  }

  /** Random, or the next number where ids are fixed. */
  static random(): TraceId {
    const { ids } = fixed;
    if (ids !== undefined) return new TraceId(0, 0, 0, (ids.traces += 1));
    const d = randomWord();
    // All zeros is the invalid id.
    return new TraceId(randomWord(), randomWord(), randomWord(), d === 0 ? 1 : d);
  }

  static parse(text: string): TraceId {
    return new TraceId(wordAt(text, 0), wordAt(text, 8), wordAt(text, 16), wordAt(text, 24), text);
  }

  toString(): string {
    return (this.text ??= hexOf(this.a) + hexOf(this.b) + hexOf(this.c) + hexOf(this.d));
  }
}

/** A span that this process started, recorded or not: its ids are numbers, and texts on demand. */
export abstract class LocalSpan implements Lineage {
  readonly idHigh = fixed.ids === undefined ? randomWord() : 0;
  /** All zeros is the invalid id. */
  readonly idLow =
    fixed.ids === undefined ? randomWord() | (this.idHigh === 0 ? 1 : 0) : (fixed.ids.spans += 1);
  declare shortcut?: Lineage | undefined;
  endedTurn = ENDED_BEFORE_PARENT;
  protected over = false;
  private context: SpanContext | undefined;

  protected constructor(
    readonly traceId: TraceId,
    readonly traceFlags: number,
    readonly traceState: TraceState | undefined,
    readonly parent: LocalSpan | SpanContext | undefined,
  ) {}

  spanContext(): SpanContext {
    return (this.context ??= this.describeIdentity());
  }

  get ended(): boolean {
    return this.over;
  }

  abstract get endedAt(): number;

  abstract get span(): Span;

  get localParent(): Lineage | undefined {
    return this.parent instanceof LocalSpan ? this.parent : undefined;
  }

  /** To be called when the span ends. */
  protected noteEnd(): void {
    this.over = true;
    const { localParent } = this;
    if (localParent === undefined || localParent.ended) this.endedTurn = markTurn();
  }

  get [LINEAGE](): Lineage {
    return this;
  }

  private describeIdentity(): SpanContext {
    const { traceFlags, traceState } = this;
    const traceId = this.traceId.toString();
    const spanId = hexOf(this.idHigh) + hexOf(this.idLow);
    return traceState === undefined
      ? { traceId, spanId, traceFlags }
      : { traceId, spanId, traceFlags, traceState };
  }
}

/** A span that the sampler did not choose: it has an identity, for log lines and for what is called, and records only that it ended. */
export class UnrecordedSpan extends LocalSpan implements Span {
  endedAt = 0;

  constructor(
    traceId: TraceId,
    traceState: TraceState | undefined,
    parent: LocalSpan | SpanContext | undefined,
  ) {
    super(traceId, TraceFlags.NONE, traceState, parent);
  }

  get span(): Span {
    return this;
  }

  isRecording(): boolean {
    return false;
  }

  setAttribute(): this {
    return this;
  }

  setAttributes(): this {
    return this;
  }

  addEvent(): this {
    return this;
  }

  addLink(): this {
    return this;
  }

  addLinks(): this {
    return this;
  }

  setStatus(): this {
    return this;
  }

  updateName(): this {
    return this;
  }

  recordException(): void {
    // Kept nowhere.
  }

  end(): void {
    if (this.over) return;
    this.noteEnd();
    this.endedAt = performance.now();
  }
}
