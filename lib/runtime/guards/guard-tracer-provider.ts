import {
  type Attributes,
  type Context,
  context as contextApi,
  INVALID_SPAN_CONTEXT,
  type Link,
  type Span,
  type SpanOptions,
  SpanStatusCode,
  type TimeInput,
  trace,
  type Tracer,
} from '@opentelemetry/api';
import { isTimeInput } from '@opentelemetry/core';

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
import { isContext, startActive } from '../../engine/recording-tracer.js';
import { scopeText } from '../../engine/recording-tracer-provider.js';
import { warnOnce } from '../../errors/warnings.js';
import { createOverlay } from './overlay.js';

const NOT_RECORDED = trace.wrapSpanContext(INVALID_SPAN_CONTEXT);
const MAX_LINKS = 1_000;
const MAX_KEYS = 1_000;
const MAX_EVENT_TEXT = 8_192;

/** Makes the tracers and spans of OpenTelemetry's SDK take any value, as those of the fast engine do. */
export function guardTracerProvider(provider: {
  getTracer(name: string, version?: string, options?: { schemaUrl?: string }): Tracer;
}): void {
  const getTracer = provider.getTracer.bind(provider);
  provider.getTracer = (name, version, options) => {
    const schemaUrl = scopeText(readSafely(() => options?.schemaUrl));
    return guardTracer(
      getTracer(scopeText(name) ?? '', scopeText(version), schemaUrl === undefined ? {} : { schemaUrl }),
    );
  };
}

const guardTracer = createOverlay<Tracer>((base) => ({
  startSpan(name, options, context) {
    const caller = isContext(context) ? context : contextApi.active();
    const text = spanNameOf(name);
    try {
      return guardSpan(base.startSpan.call(this, text, plainStart(options, text), caller));
    } catch (error) {
      warnOnce(
        'span:start',
        `The span "${text}" is started without its options and parent: ${textOf(error)}`,
      );
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
  // One by one: a buffer or a long text given by accident has 100,000s of other properties.
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
  const attempt = (span: Span, call: () => void): Span => {
    try {
      call();
    } catch (error) {
      warnOnce('span:call', `A span could not take what it was given: ${textOf(error)}`);
    }
    return span;
  };
  const setAttribute = (span: Span, key: unknown, value: unknown): void => {
    const kept = isPlainValue(value) ? value : toAttributeValue(value);
    if (typeof key !== 'string' || key === '' || kept === undefined) warnSkipped('a span', key, value);
    else base.setAttribute.call(span, key, kept);
  };
  const addLink = (span: Span, given: Link): void => {
    for (const link of plainLinks([given])) base.addLink.call(span, link);
  };
  return {
    setAttribute(key, value) {
      return attempt(this, () => {
        setAttribute(this, key, value);
      });
    },
    setAttributes(attributes) {
      return attempt(this, () => {
        for (const [key, value] of readEntries(attributes, MAX_KEYS, 'a span'))
          setAttribute(this, key, value);
      });
    },
    addEvent(name, attributesOrTime, time) {
      return attempt(this, () => {
        const at = plainTime(attributesOrTime);
        const attributes = at === undefined ? plainEvent(attributesOrTime) : undefined;
        base.addEvent.call(this, spanNameOf(name), attributes, plainTime(time) ?? at);
      });
    },
    addLink(link) {
      return attempt(this, () => {
        addLink(this, link);
      });
    },
    addLinks(links) {
      return attempt(this, () => {
        for (const link of plainLinks(links)) base.addLink.call(this, link);
      });
    },
    setStatus(status) {
      return attempt(this, () => {
        const { code, message } = status;
        if (code === SpanStatusCode.OK) base.setStatus.call(this, { code });
        else if (code === SpanStatusCode.ERROR)
          base.setStatus.call(this, typeof message === 'string' ? { code, message } : { code });
      });
    },
    updateName(name) {
      return attempt(this, () => {
        base.updateName.call(this, spanNameOf(name));
      });
    },
    recordException(exception, time) {
      this.addEvent('exception', exceptionAttributes(exception), time);
    },
    end(time) {
      attempt(this, () => {
        base.end.call(this, plainTime(time));
      });
    },
  };
});

/** The SDK drops from an event what is neither plain nor a list of one kind: it becomes a text. */
function plainEvent(given: unknown): Attributes | undefined {
  if (given === undefined || isPlainRecord(given)) return given;
  const attributes: Attributes = {};
  for (const [key, value] of readEntries(given, MAX_KEYS, 'an event')) {
    if (value === undefined || value === null) continue;
    if (typeof value === 'function') warnSkipped('an event', key, value);
    else
      setOwn(
        attributes,
        key,
        isPlainValue(value) || isTextList(value) ? value : textOf(value, MAX_EVENT_TEXT),
      );
  }
  return attributes;
}

function isTextList(value: unknown): value is string[] {
  return (
    readSafely(
      () =>
        Array.isArray(value) &&
        value.length <= MAX_KEYS &&
        value.every((item) => typeof item === typeof value[0] && isPlainValue(item)),
    ) === true
  );
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
    const attributes = readSafely(() => link.attributes);
    if (attributes === undefined) return [{ context }];
    return [
      { context, attributes: isPlainRecord(attributes) ? attributes : toAttributes(attributes, 'a link') },
    ];
  });
}

/** A time that the SDK can calculate with; undefined for anything else, which means now. */
function plainTime(time: unknown): TimeInput | undefined {
  const fits = readSafely(() => {
    if (!isTimeInput(time)) return false;
    if (typeof time === 'number') return time >= 0 && time < MAX_EPOCH_MS;
    if (time instanceof Date) return time.getTime() >= 0;
    return time.every((part) => Number.isFinite(part) && part >= 0) && time[0] < MAX_EPOCH_MS / 1_000;
  });
  return fits === true ? (time as TimeInput) : undefined;
}

const MAX_EPOCH_MS = 2 ** 63 / 1_000_000;
