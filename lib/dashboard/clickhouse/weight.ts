import { DURATION } from './columns.js';

/** The value of `th` in a list of members that may have it anywhere; empty where there is none, or where it is not valid. */
const ANYWHERE =
  "extract(TraceState, '(?:^|,)[ \\t]*ot=(?:[^,;]*;)*th:([0-9A-Fa-f]{1,14})[ \\t]*(?:[;,]|$)')";
/** Nearly all trace states that have a threshold have nothing else, and that expression takes ten times as long. */
const THRESHOLD = `if(match(TraceState, '^ot=th:[0-9a-f]{1,14}$'), substring(TraceState, 7), ${ANYWHERE})`;
const POPULATION = (2 ** 56).toFixed(0);
/** Digits that are left out are zeros; seven bytes, the least significant first. */
const REJECTED = `reinterpretAsUInt64(reverse(unhex(rightPad(${THRESHOLD}, 14, '0'))))`;

/** A caller may claim any probability: one span must not hide all others. */
const MAX_WEIGHT = 1_000_000;

/**
 * How many spans a row of `otel_traces` stands for, as SQL: 1 / the probability by which it was sampled, a `Float64`; 1 where the span does
 * not say it. Most rows have no trace state: only for the others is the rest evaluated.
 */
export const WEIGHT = `if(TraceState = '', 1., least(${MAX_WEIGHT}, ${POPULATION} / (${POPULATION} - ${REJECTED})))`;

/** The same in thousandths, as the whole number that ClickHouse's weighted quantiles take. */
export const WEIGHT_UNITS = `toUInt64(round(${WEIGHT} * 1000))`;

const US = `toFloat64(${DURATION})`;

/**
 * Quantiles of durations, in milliseconds, with each row weighted; NULL where there are no rows. Eight bits of a duration are kept and the
 * others cut off, half of which is added again: none is off by more than 0.4 per cent.
 */
export const quantiles = (...levels: readonly number[]): string =>
  inMilliseconds(`quantilesBFloat16Weighted(${levels.join(', ')})(${US}, ${WEIGHT_UNITS})`);
/** Those of the rows that fulfil a condition. */
export const quantilesWhere = (condition: string, ...levels: readonly number[]): string =>
  inMilliseconds(`quantilesBFloat16WeightedIf(${levels.join(', ')})(${US}, ${WEIGHT_UNITS}, ${condition})`);

/** Of quantiles that are microseconds. */
export const inMilliseconds = (aggregate: string): string =>
  `arrayMap(us -> if(isNaN(us), NULL, us * 257 / 256 / 1000), ${aggregate})`;
