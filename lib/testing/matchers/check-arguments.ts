import { types } from 'node:util';

import {
  isRecord,
  must,
  number,
  oneOf,
  type OptionRule,
  renderKind,
  shape,
  wholeNumber,
} from '../../config/option-rules.js';
import { TelemetryError } from '../../errors/telemetry.error.js';
import { PROBE, type ProbeRecords } from '../probe-records.js';
import { SPAN_KINDS, SPAN_STATUSES } from '../trace-tree.js';

/** A span as `toHaveSpan()` looks for it; what is left out may be anything. */
export interface ExpectedSpan {
  /** The name, or a pattern of it. */
  name?: string | RegExp;
  /** Attributes that it has at least: values, patterns, or asymmetric matchers; `undefined` for one that it has not. */
  attributes?: Readonly<Record<string, unknown>>;
  /** `error` when it failed; `unset` is the usual one. */
  status?: (typeof SPAN_STATUSES)[number];
  /** Name of the span right above it, or a pattern; `null` when there is none among those recorded. */
  parent?: string | RegExp | null;
  /** For example `server` for an answered request, `client` for a query. */
  kind?: (typeof SPAN_KINDS)[number];
  /** How many such spans there are, exactly. Default: one or more. */
  times?: number;
}

/** A series of a metric as `toHaveRecorded()` looks for it; what is left out may be anything. */
export interface ExpectedSeries {
  /** Attributes that it has at least: values, patterns, or asymmetric matchers. */
  attributes?: Readonly<Record<string, unknown>>;
  /** Sum of a counter, last value of a gauge, count of a histogram: a number, or an asymmetric matcher. */
  value?: unknown;
  /** Sum of what a histogram has measured: a number, or an asymmetric matcher. */
  sum?: unknown;
}

/** Upper bounds of what was recorded since the start, or since `probe.reset()`. */
export interface Budget {
  /** Statements and commands to databases and caches. */
  queries?: number;
  /** Spans, those of queries included. */
  spans?: number;
  /** Milliseconds of the longest trace. */
  ms?: number;
}

/** Options of `toHaveNoRepeatedQueries()`. */
export interface RepeatedQueriesOptions {
  /** From how many on the same statement counts as repeated, 2 or more. Default 3. */
  times?: number;
}

const isNameOrPattern = (value: unknown): boolean =>
  (typeof value === 'string' && value !== '') || types.isRegExp(value);

const NAME = must(isNameOrPattern, 'Write a name as a text, or a pattern (RegExp).');
const VALUES = must(isRecord, 'Write an object of names and values.');
/** Anything: a value that cannot be right fails the comparison, which shows it. */
const ANYTHING = must(() => true, '');

export const EXPECTED_SPAN = shape<ExpectedSpan>(
  {
    name: NAME,
    attributes: VALUES,
    status: oneOf(SPAN_STATUSES),
    parent: must((value) => value === null || isNameOrPattern(value), 'Write a name, a pattern, or null.'),
    kind: oneOf(SPAN_KINDS),
    times: wholeNumber('a whole number from 1; for none, use .not', 1),
  },
  'a name, a pattern (RegExp), or an object with name, attributes, status, parent, kind or times',
);

export const EXPECTED_SERIES = shape<ExpectedSeries>(
  { attributes: VALUES, value: ANYTHING, sum: ANYTHING },
  'an object with attributes, value or sum',
);

export const METRIC_NAME = NAME;

export const EXPECTED_LINE: OptionRule = must(
  (value) => isRecord(value) && Object.keys(value).length > 0,
  'Write a message as a text, a pattern (RegExp), or an object with at least one field of the line.',
);

const AMOUNT = number(0, Infinity, 'a number from 0');
const BUDGET_SHAPE = shape<Budget>(
  { queries: AMOUNT, spans: AMOUNT, ms: AMOUNT },
  'an object with queries, spans or ms',
);

export const BUDGET: OptionRule = {
  check: (value, name, report) => {
    BUDGET_SHAPE.check(value, name, report);
    if (isRecord(value) && Object.values(value).every((bound) => bound === undefined))
      report(name, renderKind(value), 'Write at least one of queries, spans and ms.');
  },
};

export const REPEATED_QUERIES = shape<RepeatedQueriesOptions>(
  { times: wholeNumber('a whole number from 2', 2) },
  'an object with times',
);

/**
 * The records of the probe that a matcher was given.
 *
 * @throws TelemetryError `TELEMETRY_INVALID_TEST` when it is none
 */
export function readProbe(matcher: string, received: unknown): ProbeRecords {
  const records = (received as { [PROBE]?: ProbeRecords } | null | undefined)?.[PROBE];
  if (records !== undefined) return records;
  throw new TelemetryError(
    'TELEMETRY_INVALID_TEST',
    `${matcher}() looks into a probe, and expect() was given ${renderKind(received)}. Pass what createTelemetryProbe() returned, ` +
      'or what the container has: expect(app.get(TelemetryProbe)).',
  );
}

/** @throws TelemetryError `TELEMETRY_INVALID_TEST`, listing all that is wrong with an argument */
export function checkArgument(matcher: string, name: string, value: unknown, rule: OptionRule): void {
  const problems: string[] = [];
  rule.check(value, name, (what, received, remedy) => {
    problems.push(`  ${what}: received ${received}. ${remedy}`);
  });
  if (problems.length === 0) return;
  throw new TelemetryError(
    'TELEMETRY_INVALID_TEST',
    [`${matcher}() cannot be called like this:`, ...problems].join('\n'),
  );
}

/** Whether it is a name or a pattern, which stands for an object with nothing else. */
export function isText(value: unknown): value is string | RegExp {
  return typeof value === 'string' || types.isRegExp(value);
}
