import {
  ATTR_ENDUSER_ID,
  ATTR_ENDUSER_PSEUDO_ID,
  ATTR_ERROR_TYPE,
  ATTR_EXCEPTION_FINGERPRINT,
  ATTR_EXCEPTION_MESSAGE,
  ATTR_EXCEPTION_STACKTRACE,
  ATTR_EXCEPTION_TYPE,
  ATTR_USER_HASH,
  ATTR_USER_ID,
} from '../../../config/semantic-conventions.constants.js';
import { fingerprintTexts } from '../../../tracing/fingerprint-exception.js';
import { getOrAdd } from '../../get-or-add.js';
import {
  ERROR_LEVEL,
  SPAN_KIND,
  SPAN_STATUS,
  type StoredLog,
  type StoredResource,
  type StoredSpan,
} from '../rows.interface.js';
import { type ErrorSighting, type ErrorSums, type ErrorTexts } from './error-sums.js';
import { isEntry, routeKeyOf } from './span-writer.js';

/** Failed spans whose parent, or whose child, may still come, and errors that one of them passes on. */
const MAX_FOLLOWED = 5_000;
const MAX_PASSED = 50;
/** Lines of traces whose spans may still come, and for how long they are waited for. */
const MAX_LINES = 1_000;
const WAIT_MS = 30_000;
const MAX_FINGERPRINT = 64;

type Members = Readonly<Record<string, unknown>>;

/**
 * Finds each error once in what was written.
 *
 * An exception passes through spans outwards, and each of them has failed. It counts on the innermost: the one that recorded it, which has
 * its stack. SDKs that record it on each span it passes are understood, in any order of a span and its parent. A span that failed without
 * an exception counts where no failed span is inside of it; a call of a client does not, as it may have been handled.
 *
 * A log line of level error counts if it has no trace. A line with an exception in a trace counts once per trace, if no failed span of
 * the trace has that exception: it was caught, or the trace is not sampled.
 */
export class ErrorFinder {
  /** Fingerprints of what failed directly or further inside of a span, by the key of the span. */
  private readonly inside = new Map<string, Set<string>>();
  /** The fingerprint of a failed span, by its key. */
  private readonly failed = new Map<string, string>();
  /** Fingerprints and messages of the errors of a trace, by the trace and the service. */
  private readonly ofTrace = new Map<string, Set<string>>();
  private readonly lines: {
    readonly sighting: ErrorSighting;
    readonly message: string;
    readonly since: number;
  }[] = [];

  constructor(private readonly sums: Pick<ErrorSums, 'add' | 'addEntry'>) {}

  takeSpan(span: StoredSpan, now: number): void {
    if (span.status !== SPAN_STATUS.error) return;
    const key = keyOf(span.traceId, span.idHigh, span.idLow);
    const parent = keyOf(span.traceId, span.parentHigh, span.parentLow);
    const inside = this.inside.get(key);
    this.inside.delete(key);
    const exception = fingerprintOf(span);
    if (exception === undefined && span.kind === SPAN_KIND.client) return;
    const known = this.errorsOf(span.traceId, span.resource);
    const fingerprint = exception ?? (inside === undefined ? fingerprintFailure(span) : undefined);
    const passed = new Set(inside);
    const time = Math.min(now, Math.floor((span.start + span.duration) / 1_000));
    if (fingerprint !== undefined) {
      passed.add(fingerprint);
      const isPassed = inside?.has(fingerprint) === true || this.failed.get(parent) === fingerprint;
      if (!isPassed && !known.has(LINE + fingerprint))
        this.sums.add({ ...span, fingerprint, time, describe: () => describeSpan(span) });
      remember(this.failed, key, fingerprint);
      if (known.size < MAX_PASSED) known.add(fingerprint).add(MESSAGE + (span.statusMessage ?? ''));
    }
    if (isEntry(span)) {
      const { method = '', route = '' } = routeKeyOf(span) ?? {};
      const entry = { route: `${method} ${route}`, user: userOf(span), time, weight: span.weight };
      for (const each of passed) this.sums.addEntry(span.resource, each, entry);
    } else for (const each of passed) this.followOutwards(parent, each);
  }

  takeLog(log: StoredLog, now: number): void {
    const { level, traceId, spanId, resource, attributes } = log;
    if (level < ERROR_LEVEL) return;
    if (traceId !== undefined && attributes?.includes('"exception.type"') !== true) return;
    const texts = describeLog(log);
    const { type, message, stack } = texts;
    const fingerprint = (texts.fingerprint ?? fingerprintTexts(type, message, stack)).slice(
      0,
      MAX_FINGERPRINT,
    );
    const time = Math.min(now, Math.floor(log.time));
    const ids = spanId === undefined ? {} : idsOf(spanId);
    const weight = traceId === undefined ? 1 : 0;
    const sighting = { resource, fingerprint, time, traceId, ...ids, weight, describe: () => texts };
    if (traceId === undefined) this.sums.add(sighting);
    else if (this.lines.length < MAX_LINES) this.lines.push({ sighting, message, since: now });
  }

  /**
   * Counts lines of traces of which no failed span has come. @param all also those whose spans may still come, because nothing will follow
   */
  decide(now: number, all: boolean): void {
    const first = all ? -1 : this.lines.findIndex(({ since }) => Math.abs(now - since) < WAIT_MS);
    for (const { sighting, message } of this.lines.splice(0, first === -1 ? this.lines.length : first)) {
      const known = this.errorsOf(sighting.traceId ?? '', sighting.resource);
      const { fingerprint } = sighting;
      if (known.has(fingerprint) || known.has(MESSAGE + message) || known.has(LINE + fingerprint)) continue;
      // A span that takes longer than what is waited for does not count it again.
      known.add(LINE + fingerprint);
      this.sums.add(sighting);
    }
  }

  private errorsOf(traceId: string, { service }: StoredResource): Set<string> {
    const key = `${traceId} ${service}`;
    const known = this.ofTrace.get(key) ?? new Set<string>();
    remember(this.ofTrace, key, known);
    return known;
  }

  private followOutwards(parent: string, fingerprint: string): void {
    const known = this.inside.get(parent);
    if (known !== undefined) {
      if (known.size < MAX_PASSED) known.add(fingerprint);
    } else remember(this.inside, parent, new Set([fingerprint]));
  }
}

/** In front of what else than fingerprints is known of a trace. */
const MESSAGE = 'message ';
const LINE = 'line ';

function idsOf(spanId: string): Pick<ErrorSighting, 'idHigh' | 'idLow'> {
  return {
    idHigh: Number.parseInt(spanId.slice(0, 8), 16) | 0,
    idLow: Number.parseInt(spanId.slice(8), 16) | 0,
  };
}

function remember<T>(map: Map<string, T>, key: string, value: T): void {
  getOrAdd(map, key, () => value);
  if (map.size > MAX_FOLLOWED) map.delete(map.keys().next().value ?? '');
}

function keyOf(traceId: string, high: number, low: number): string {
  return `${traceId} ${high} ${low}`;
}

/** It is on the span itself where this library recorded the exception: no event needs to be read. */
const ON_SPAN = new RegExp(`"${ATTR_EXCEPTION_FINGERPRINT}":"([\\w-]{1,${MAX_FINGERPRINT}})"`);

/** Names of the user of a request, the one that is used first: a hash distinguishes them as well as an id. */
const USER_KEYS = [ATTR_USER_HASH, ATTR_ENDUSER_PSEUDO_ID, ATTR_USER_ID, ATTR_ENDUSER_ID];
const MAX_USER = 256;

/** The user of a request, message or run; undefined where it is not known. */
function userOf({ attributes }: StoredSpan): string | undefined {
  if (!attributes.includes('user.')) return undefined;
  const members = parse(attributes) as Members | undefined;
  const user = USER_KEYS.map((key) => textOf(members?.[key])).find((text) => text !== undefined);
  return user?.slice(0, MAX_USER);
}

/** That of the exception of a span; undefined where it has none. */
function fingerprintOf(span: StoredSpan): string | undefined {
  const onSpan = ON_SPAN.exec(span.attributes)?.[1];
  if (onSpan !== undefined) return onSpan;
  const exception = exceptionOf(span);
  if (exception === undefined) return undefined;
  const given = textOf(exception[ATTR_EXCEPTION_FINGERPRINT])?.slice(0, MAX_FINGERPRINT);
  if (given !== undefined) return given;
  const { type, message, stack } = describeException(exception);
  return fingerprintTexts(type, message, stack);
}

/** Of a span that failed without an exception: by its name, and how it failed. */
function fingerprintFailure(span: StoredSpan): string {
  const { type, message } = describeSpan(span);
  return fingerprintTexts(type, `${span.name}\n${message}`, undefined);
}

/** The attributes of the last event that is an exception. */
function exceptionOf({ events }: StoredSpan): Members | undefined {
  if (events?.includes('"name":"exception"') !== true) return undefined;
  const list = parse(events);
  if (!Array.isArray(list)) return undefined;
  const found = (list as { name?: unknown; attributes?: Members }[]).findLast(
    ({ name }) => name === 'exception',
  );
  return found?.attributes;
}

function describeSpan(span: StoredSpan): ErrorTexts {
  const exception = exceptionOf(span);
  if (exception !== undefined) return describeException(exception);
  const attributes = parse(span.attributes) as Members | undefined;
  return {
    type: textOf(attributes?.[ATTR_ERROR_TYPE]) ?? 'Error',
    message: textOf(span.statusMessage) ?? span.name,
    stack: undefined,
  };
}

function describeException(attributes: Members): ErrorTexts {
  return {
    type: textOf(attributes[ATTR_EXCEPTION_TYPE]) ?? 'Error',
    message: textOf(attributes[ATTR_EXCEPTION_MESSAGE]) ?? '',
    stack: textOf(attributes[ATTR_EXCEPTION_STACKTRACE]),
  };
}

/** Of a line without an exception the class that logged is the type. */
function describeLog({ attributes, context, message }: StoredLog): ErrorTexts & { fingerprint?: string } {
  const fields = attributes?.includes('"exception.') === true ? (parse(attributes) as Members) : undefined;
  if (textOf(fields?.[ATTR_EXCEPTION_TYPE]) === undefined)
    return { type: context ?? 'Log line', message, stack: undefined };
  const fingerprint = textOf(fields?.[ATTR_EXCEPTION_FINGERPRINT]);
  return { ...describeException(fields ?? {}), ...(fingerprint !== undefined && { fingerprint }) };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // It was not written by this library, or was cut: the row is counted by what else it says.
    return undefined;
  }
}
