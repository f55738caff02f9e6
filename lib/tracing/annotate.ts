import {
  type Attributes,
  type Context,
  context,
  createContextKey,
  type Span,
  SpanKind,
  trace,
} from '@opentelemetry/api';

import { isPlainValue, readEntries, toAttributeValue } from '../engine/attribute-value.js';
import { clipText, textOf } from '../engine/copy-bounded.js';
import { type Lineage, lineageOf } from '../engine/lineage.js';
import { isTracingSuppressed } from '../engine/suppressed-tracing.js';
import { warnOnce } from '../errors/warnings.js';
import { currentRuntime } from '../runtime/sdk-runtime.js';

/** Fields of one request, message or job, characters of a key and of a text, items of a list. */
const MAX_FIELDS = 64;
const MAX_KEY = 128;
const MAX_TEXT = 1_024;
const MAX_ITEMS = 64;
/** Objects in objects become `user.plan.name`; deeper ones JSON. */
const MAX_DEPTH = 3;
/** Spans above the active one that are looked at. */
const MAX_SPANS = 1_000;

/** On the span that stands for the request; an entry in a WeakMap would be work for the garbage collector. */
const FIELDS = Symbol.for('nestjs-telemetry.annotations');

interface AnnotatedSpan extends Span {
  [FIELDS]?: Attributes | undefined;
}

/** The span of a request in its context, where a span of another SDK does not show what it is below. */
const ENTRY_SPAN = createContextKey('nestjs-telemetry.entry-span');

/**
 * Puts fields on the span of the current request, message or job, however deep in spans the caller is, and on the line
 * of a request. The same key again replaces the value. Objects become dotted keys: `{ user: { plan } }` is `user.plan`.
 *
 * At most 64 fields for each request, texts of at most 1,024 characters. Once the request has ended, the fields are on the
 * uppermost span that is still open. Where no span is open they are dropped, with one warning. Never throws.
 *
 * @example
 * annotate({ 'cart.items': cart.items.length, user: { plan: user.plan } });
 */
export function annotate(fields: Readonly<Record<string, unknown>>): void {
  try {
    annotateActive(fields);
  } catch (error) {
    // A span of an SDK of the application's own.
    warnOnce('annotate:failed', `annotate() could not add its fields: ${textOf(error)}`);
  }
}

function annotateActive(fields: Readonly<Record<string, unknown>>): void {
  if (currentRuntime() === undefined) return;
  const active = context.active();
  // A request that is ignored has no span, on purpose.
  if (isTracingSuppressed(active)) return;
  const span: AnnotatedSpan | undefined = openEntryOf(active);
  if (span === undefined) {
    warnOnce(
      'annotate:outside',
      'annotate() was called outside of a request, message, job or span, or after its end; the fields are dropped. ' +
        'Call it earlier, or give the work a span with telemetry.trace() or @Trace().',
    );
    return;
  }
  const known = (span[FIELDS] ??= {});
  const added: Attributes = {};
  if (!collect(fields, '', 1, { known, added, left: MAX_FIELDS - Object.keys(known).length }))
    warnOnce(
      'annotate:full',
      `annotate() keeps ${MAX_FIELDS} fields for each request; further ones are dropped.`,
    );
  Object.assign(known, added);
  span.setAttributes(added);
}

/** The fields of the request that `span` stands for; undefined where there are none. */
export function annotationsOf(span: AnnotatedSpan): Readonly<Attributes> | undefined {
  return span[FIELDS];
}

/** Lets `annotate()` find the span of a request, also where that is of another SDK. */
export function withEntrySpan(carrier: Context, span: Span): Context {
  return lineageOf(span) === undefined ? carrier.setValue(ENTRY_SPAN, span) : carrier;
}

/** The span of the request, message or job, or the uppermost one below it that is open. */
function openEntryOf(active: Context): Span | undefined {
  const span = trace.getSpan(active);
  let link = lineageOf(span);
  if (link === undefined) {
    const entry = active.getValue(ENTRY_SPAN) as Span | undefined;
    const isOpen = span?.isRecording() === true;
    return isOpen && entry?.isRecording() !== true ? span : entry;
  }
  let open: Lineage | undefined;
  for (let count = 0; link !== undefined && count < MAX_SPANS; count += 1) {
    if (!link.ended) open = link;
    if (isEntry(link.span)) break;
    link = link.localParent;
  }
  return open?.span;
}

function isEntry(span: Span): boolean {
  const { kind } = span as { readonly kind?: unknown };
  return kind === SpanKind.SERVER || kind === SpanKind.CONSUMER;
}

interface Collection {
  /** Fields that the request has already. */
  readonly known: Readonly<Attributes>;
  readonly added: Attributes;
  /** Further keys that there is room for. */
  left: number;
}

/** Adds bounded copies of the fields; false where there was no room for all. */
function collect(fields: unknown, prefix: string, depth: number, into: Collection): boolean {
  let complete = true;
  for (const [name, given] of readEntries(fields, MAX_FIELDS, 'annotate()')) {
    const key = clipText(prefix + name, MAX_KEY);
    if (depth < MAX_DEPTH && isPlainObject(given)) {
      complete = collect(given, `${key}.`, depth + 1, into) && complete;
      continue;
    }
    const value = fieldOf(given);
    if (value === undefined || key === '' || key === '__proto__') continue;
    if (!Object.hasOwn(into.known, key) && !Object.hasOwn(into.added, key)) {
      if (into.left <= 0) return false;
      into.left -= 1;
    }
    into.added[key] = value;
  }
  return complete;
}

/** As spans and lines both carry it: a text, number, boolean, or a list of texts. */
function fieldOf(given: unknown): Attributes[string] {
  if (typeof given === 'string') return clipText(given, MAX_TEXT);
  if (isPlainValue(given)) return given;
  const value = toAttributeValue(given, MAX_TEXT);
  if (value === undefined || value === null) return undefined;
  if (isPlainValue(value)) return value;
  if (Array.isArray(value) && value.length <= MAX_ITEMS && value.every((item) => typeof item === 'string'))
    return value;
  return clipText(JSON.stringify(value), MAX_TEXT);
}

function isPlainObject(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
