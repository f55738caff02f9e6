import {
  type AnyValue,
  type Attributes,
  type Context,
  diag,
  type Exception,
  type HrTime,
  type Link,
  type Span,
  type SpanContext,
  SpanKind,
  type SpanStatus,
  SpanStatusCode,
  type TimeInput,
  type TraceState,
} from '@opentelemetry/api';
import { type InstrumentationScope } from '@opentelemetry/core';
import type { Resource } from '@opentelemetry/resources';
import type { ReadableSpan, Span as SdkSpan, SpanProcessor, TimedEvent } from '@opentelemetry/sdk-trace';

import { warnOnce } from '../errors/warnings.js';
import { redaction } from '../redaction/active-redaction.js';
import { type AttributeLimits, AttributeList } from './attribute-list.js';
import { textOf } from './copy-bounded.js';
import { exceptionAttributes } from './describe-error.js';
import { LocalSpan, parseSpanId, type SpanId, type TraceId } from './local-span.js';
import {
  copySpanContext,
  listAttributes,
  pushBounded,
  type RecordedEvent,
  type RecordedLink,
  toLinks,
  toTimedEvents,
} from './recorded-events.js';
import { recordingCounts } from './recording-counts.js';
import type { SpanClock } from './span-clock.js';
import type { SpanView } from './span-view.js';
import { hrTimeDuration, isTimeInput } from './time-input.js';

/** How large a span may become. */
export interface RecordingLimits {
  readonly attributes: AttributeLimits;
  readonly events: number;
  readonly eventAttributes: AttributeLimits;
  readonly links: number;
  readonly linkAttributes: AttributeLimits;
}

/** What a span has in common with the others of its tracer. */
export interface SpanOwner {
  readonly instrumentationScope: InstrumentationScope;
  readonly resource: Resource;
  readonly limits: RecordingLimits;
  readonly processor: SpanProcessor;
}

const UNSET: SpanStatus = Object.freeze({ code: SpanStatusCode.UNSET });

/** What a span belongs to and begins with. */
interface SpanStart {
  readonly name: string;
  readonly kind: SpanKind;
  readonly traceId: TraceId;
  readonly traceFlags: number;
  readonly traceState: TraceState | undefined;
  readonly parent: LocalSpan | SpanContext | undefined;
  readonly clock: SpanClock;
  readonly startTime: TimeInput | undefined;
}

/**
 * A span that records cheaply: ids and instants are numbers, attributes a list; texts, pairs and objects are made on demand.
 * It implements the API's `Span` and, for processors, `ReadableSpan` of OpenTelemetry's SDK.
 */
export class RecordedSpan
  extends LocalSpan
  implements Span, SpanView, Omit<ReadableSpan, 'parentSpanContext'>
{
  name: string;
  readonly kind: SpanKind;
  readonly clock: SpanClock;
  readonly startInstant: number;
  endInstant = -1;
  status: SpanStatus = UNSET;
  attributeList: AttributeList | undefined;
  eventList: RecordedEvent[] | undefined;
  linkList: RecordedLink[] | undefined;
  droppedEventsCount = 0;
  droppedLinksCount = 0;

  constructor(
    private readonly owner: SpanOwner,
    { name, kind, traceId, traceFlags, traceState, parent, clock, startTime }: SpanStart,
  ) {
    super(traceId, traceFlags, traceState, parent);
    this.name = redaction().text(spanNameOf(name));
    this.kind = isSpanKind(kind) ? kind : SpanKind.INTERNAL;
    this.clock = clock;
    this.startInstant = startTime === undefined ? clock.now() : clock.instantOf(startTime);
  }

  setAttribute(key: string, value: AnyValue): this {
    if (this.refuses()) return this;
    (this.attributeList ??= new AttributeList(this.owner.limits.attributes)).set(key, value);
    return this;
  }

  setAttributes(attributes: Attributes): this {
    if (this.refuses()) return this;
    (this.attributeList ??= new AttributeList(this.owner.limits.attributes)).setAll(attributes);
    return this;
  }

  addEvent(name: string, attributesOrTime?: Attributes | TimeInput, time?: TimeInput): this {
    if (this.refuses()) return this;
    const isTime = isTimeInputSafely(attributesOrTime);
    const given = isTime ? undefined : (attributesOrTime as Attributes | undefined);
    const at = isTime ? (time ?? (attributesOrTime as TimeInput)) : time;
    const { limits } = this.owner;
    const event = {
      name: redaction().text(spanNameOf(name)),
      instant: this.clock.instantOf(at),
      attributes: listAttributes(given, limits.eventAttributes),
    };
    if (!pushBounded((this.eventList ??= []), event, limits.events)) this.droppedEventsCount += 1;
    return this;
  }

  /** See `addRedactedEvent()` of span-view.ts. */
  addRedactedEvent(name: string, attributes: Attributes, time: TimeInput): void {
    if (this.refuses()) return;
    const { limits } = this.owner;
    const list = new AttributeList(limits.eventAttributes);
    list.takeRedacted(attributes);
    const event = { name, instant: this.clock.instantOf(time), attributes: list };
    if (!pushBounded((this.eventList ??= []), event, limits.events)) this.droppedEventsCount += 1;
  }

  addLink(given: Link): this {
    if (this.refuses()) return this;
    const { limits } = this.owner;
    const link = this.read('a link', () => {
      const context = copySpanContext(given.context);
      return context && { context, attributes: listAttributes(given.attributes, limits.linkAttributes) };
    });
    if (link === undefined || !pushBounded((this.linkList ??= []), link, limits.links))
      this.droppedLinksCount += 1;
    return this;
  }

  addLinks(links: Link[]): this {
    const read =
      this.read('a list of links', () => (Array.isArray(links) ? links.slice(-MAX_LINKS) : [])) ?? [];
    for (const link of read) this.addLink(link);
    return this;
  }

  setStatus(status: SpanStatus): this {
    if (this.refuses() || this.status.code === SpanStatusCode.OK) return this;
    const read = this.read('a status', () => readStatus(status));
    if (read === undefined || read.code === SpanStatusCode.UNSET) return this;
    const { code, message } = read;
    // It is the message of an error, as a rule.
    this.status = message === undefined ? read : { code, message: redaction().errorText(message) };
    return this;
  }

  updateName(name: string): this {
    if (!this.refuses()) this.name = redaction().text(spanNameOf(name));
    return this;
  }

  recordException(exception: Exception, time?: TimeInput): void {
    this.addEvent('exception', exceptionAttributes(exception), time);
  }

  isRecording(): boolean {
    return !this.over;
  }

  end(endTime?: TimeInput): void {
    if (this.refuses()) return;
    const instant = endTime === undefined ? this.clock.now() : this.clock.instantOf(endTime);
    this.endInstant = instant < this.startInstant ? this.startInstant : instant;
    const { processor } = this.owner;
    processor.onEnding?.(asSdkSpan(this));
    this.noteEnd();
    recordingCounts.live -= 1;
    processor.onEnd(asSdkSpan(this));
  }

  /** Calls the processors' `onStart()`, once everything given at the start is there. */
  announce(parentContext: Context): void {
    this.owner.processor.onStart(asSdkSpan(this), parentContext);
  }

  get endedAt(): number {
    return this.clock.toMonotonic(this.endInstant);
  }

  get span(): Span {
    return this;
  }

  get parentSpanContext(): SpanContext | undefined {
    return this.parent instanceof LocalSpan ? this.parent.spanContext() : this.parent;
  }

  get parentId(): SpanId | undefined {
    const { parent } = this;
    return parent === undefined || parent instanceof LocalSpan ? parent : parseSpanId(parent.spanId);
  }

  get hasRemoteParent(): boolean {
    const { parent } = this;
    return parent !== undefined && !(parent instanceof LocalSpan) && parent.isRemote === true;
  }

  get startTime(): HrTime {
    return this.clock.toHrTime(this.startInstant);
  }

  get endTime(): HrTime {
    return this.over || this.endInstant >= 0 ? this.clock.toHrTime(this.endInstant) : [0, 0];
  }

  get duration(): HrTime {
    const { startTime, endTime } = this;
    return endTime[0] === 0 ? [-1, -1] : hrTimeDuration(startTime, endTime);
  }

  get attributes(): Attributes {
    return this.attributeList?.toAttributes() ?? {};
  }

  get droppedAttributesCount(): number {
    return this.attributeList?.dropped ?? 0;
  }

  get events(): TimedEvent[] {
    return toTimedEvents(this.eventList ?? [], this.clock);
  }

  get links(): Link[] {
    return toLinks(this.linkList ?? []);
  }

  get resource(): Resource {
    return this.owner.resource;
  }

  get instrumentationScope(): InstrumentationScope {
    return this.owner.instrumentationScope;
  }

  /** Reads an argument; undefined, with a warning, where that throws. */
  private read<T>(what: string, read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      warnOnce(
        `span:argument:${what}`,
        `The span "${this.name}" was given ${what} that cannot be read, which is left out: ${textOf(error)}`,
      );
      return undefined;
    }
  }

  /** Whether the span has ended, with a diagnostic message. */
  private refuses(): boolean {
    if (this.over) diag.warn(`The span "${this.name}" has ended; what is done to it now is lost.`);
    return this.over;
  }
}

/** The span as processors know it. */
function asSdkSpan(span: RecordedSpan): SdkSpan {
  // An optional property cannot be a getter; for a reader an absent one and an undefined one are the same.
  return span as SdkSpan;
}

const MAX_LINKS = 1_000;
const MAX_NAME = 1_024;
/** By number. */
const KINDS: Readonly<Record<number, string | undefined>> = SpanKind;

/** The name of a span or an event, bounded; a text also where the application gives something else. */
export function spanNameOf(name: unknown): string {
  return typeof name === 'string' && name.length <= MAX_NAME ? name : textOf(name, MAX_NAME);
}

function isSpanKind(kind: unknown): kind is SpanKind {
  return typeof kind === 'number' && KINDS[kind] !== undefined;
}

function isTimeInputSafely(value: unknown): boolean {
  if (value === undefined) return false;
  try {
    return isTimeInput(value);
  } catch {
    // A proxy that does not let itself be asked.
    return false;
  }
}

function readStatus({ code, message }: SpanStatus): SpanStatus | undefined {
  if (code === SpanStatusCode.ERROR && typeof message === 'string') return { code, message };
  return code === SpanStatusCode.OK || code === SpanStatusCode.ERROR ? { code } : undefined;
}
