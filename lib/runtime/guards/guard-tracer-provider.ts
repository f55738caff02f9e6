import {
  type Attributes,
  type Context,
  context as contextApi,
  INVALID_SPAN_CONTEXT,
  type Link,
  type Span,
  type SpanOptions,
  type SpanStatus,
  SpanStatusCode,
  trace,
  type Tracer,
} from '@opentelemetry/api';

import {
  isPlainRecord,
  isPlainValue,
  readEntries,
  toAttributes,
  toAttributeValue,
  warnSkipped,
} from '../../engine/attribute-value.js';
import { readSafely, setOwn, textOf } from '../../engine/copy-bounded.js';
import { exceptionAttributes } from '../../engine/describe-error.js';
import { copySpanContext } from '../../engine/recorded-events.js';
import { spanNameOf } from '../../engine/recorded-span.js';
import { isContext, startActive } from '../../engine/start-active.js';
import { warnOnce } from '../../errors/warnings.js';
import { plainScope, plainTime } from './guard-parts.js';
import { createOverlay } from './overlay.js';

const NOT_RECORDED = trace.wrapSpanContext(INVALID_SPAN_CONTEXT);
const MAX_LINKS = 1_000;
const MAX_KEYS = 1_000;
const MAX_EVENT_TEXT = 8_192;

/**
 * Makes tracers and spans of OpenTelemetry's SDK take any value, as those of the fast engine do.
 */
export function guardTracerProvider(provider: {
  getTracer(name: string, version?: string, options?: { schemaUrl?: string }): Tracer;
}): void {
  const getTracer = provider.getTracer.bind(provider);
  provider.getTracer = (name, version, options) =>
    guardTracer(getTracer(...plainScope(name, version, options)));
}

const guardTracer = createOverlay<Tracer>((base) => ({
  startSpan(name, options, context) {
    const caller = isContext(context) ? context : contextApi.active();
    const text = spanNameOf(name);
    try {
      return guardSpan(base.startSpan.call(this, text, plainStart(options, text), caller));
    } catch (error) {
      warnOnce('span:start', `The span "${text}" starts without its options and parent: ${textOf(error)}`);
    }
    try {
      return guardSpan(base.startSpan.call(this, text, {}, contextApi.active()));
    } catch {
      // A processor or a sampler that throws has been warned about where it is called.
      return NOT_RECORDED;
    }
  },
  startActiveSpan<F extends (span: Span) => unknown>(
    this: Tracer,
    name: string,
    ...rest: [F] | [SpanOptions, F] | [SpanOptions, Context, F]
  ): ReturnType<F> {
    return startActive(this, name, rest);
  },
}));

/** Options as the SDK can read them, which it does without looking. */
function plainStart(options: SpanOptions | undefined, name: string): SpanOptions {
  if (options === undefined) return {};
  // One by one: a buffer or a long text given by accident has 100,000 properties.
  const { kind, root, attributes, links, startTime } = options;
  const plain: SpanOptions = {
    ...(kind !== undefined && { kind }),
    ...(root !== undefined && { root }),
  };
  if (attributes !== undefined)
    plain.attributes = isPlainRecord(attributes) ? attributes : toAttributes(attributes, `span "${name}"`);
  if (links !== undefined) plain.links = plainLinks(links);
  const time = plainTime(startTime);
  if (time !== undefined) plain.startTime = time;
  return plain;
}

const guardSpan = createOverlay<Span>((base) => {
  /** A method that catches what `call` throws and returns the span. */
  const guard = <A extends unknown[]>(call: (span: Span, ...args: A) => void) =>
    function (this: Span, ...args: A): Span {
      try {
        call(this, ...args);
      } catch (error) {
        warnOnce('span:call', `A span could not take what it was given: ${textOf(error)}`);
      }
      return this;
    };
  const setAttribute = (span: Span, key: unknown, value: unknown): void => {
    const kept = isPlainValue(value) ? value : toAttributeValue(value);
    if (typeof key !== 'string' || key === '' || kept === undefined) warnSkipped('a span', key, value);
    else base.setAttribute.call(span, key, kept);
  };
  const addLinks = (span: Span, given: unknown): void => {
    for (const link of plainLinks(given)) base.addLink.call(span, link);
  };
  return {
    setAttribute: guard(setAttribute),
    setAttributes: guard((span, attributes: unknown) => {
      for (const [key, value] of readEntries(attributes, MAX_KEYS, 'a span')) setAttribute(span, key, value);
    }),
    addEvent: guard((span, name: string, attributesOrTime?: unknown, time?: unknown) => {
      const at = plainTime(attributesOrTime);
      const attributes = at === undefined ? plainEvent(attributesOrTime) : undefined;
      base.addEvent.call(span, spanNameOf(name), attributes, plainTime(time) ?? at);
    }),
    addLink: guard((span, link: unknown) => {
      addLinks(span, [link]);
    }),
    addLinks: guard(addLinks),
    setStatus: guard((span, { code, message }: SpanStatus) => {
      if (code === SpanStatusCode.OK) base.setStatus.call(span, { code });
      else if (code === SpanStatusCode.ERROR)
        base.setStatus.call(span, typeof message === 'string' ? { code, message } : { code });
    }),
    updateName: guard((span, name: string) => {
      base.updateName.call(span, spanNameOf(name));
    }),
    recordException(exception, time) {
      this.addEvent('exception', exceptionAttributes(exception), time);
    },
    end: guard((span, time?: unknown) => {
      base.end.call(span, plainTime(time));
    }),
  };
});

/** The SDK drops from an event what is neither plain nor a list of one kind: it becomes a text. */
function plainEvent(given: unknown): Attributes | undefined {
  if (given === undefined || isPlainRecord(given)) return given;
  const attributes: Attributes = {};
  for (const [key, value] of readEntries(given, MAX_KEYS, 'an event')) {
    if (value === undefined || value === null) continue;
    const isTaken = isPlainValue(value) || isTextList(value);
    if (typeof value === 'function') warnSkipped('an event', key, value);
    else setOwn(attributes, key, isTaken ? value : textOf(value, MAX_EVENT_TEXT));
  }
  return attributes;
}

function isTextList(value: unknown): value is string[] {
  const isList = readSafely(
    () =>
      Array.isArray(value) &&
      value.length <= MAX_KEYS &&
      value.every((item) => typeof item === typeof value[0] && isPlainValue(item)),
  );
  return isList === true;
}

function plainLinks(given: unknown): Link[] {
  const links = readSafely(() => (Array.isArray(given) ? (given as unknown[]).slice(-MAX_LINKS) : []));
  if (!Array.isArray(links)) return [];
  return (links as Partial<Link>[]).flatMap((link) => {
    const context = copySpanContext(readSafely(() => link.context));
    if (context === undefined) {
      warnOnce('span:argument:a link', 'A link of a span is left out: its context has no valid ids.');
      return [];
    }
    const given = readSafely(() => link.attributes);
    if (given === undefined) return [{ context }];
    return [{ context, attributes: isPlainRecord(given) ? given : toAttributes(given, 'a link') }];
  });
}
