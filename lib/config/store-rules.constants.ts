import { type RulesOf } from './option-rule.interface.js';
import { either, flag, number, shape, text } from './option-rules.js';
import { type StoreOptions } from './store-options.interface.js';

/** Less would be gone before anybody has looked. */
const MIN_BYTES = 4 * 1_024 * 1_024;

const rows = number(100, 1e9, 'a whole number of at least 100', true);

const storeRules: RulesOf<StoreOptions> = {
  enabled: flag,
  file: text('a path, or :memory:,'),
  maxAgeHours: number(0.01, 1e6, 'a number of hours, for example 24'),
  maxBytes: number(MIN_BYTES, 2 ** 40, `a whole number of bytes of at least ${MIN_BYTES}`, true),
  maxSpans: rows,
  maxLogs: rows,
  maxPoints: rows,
};

/** What `store` may be. */
export const STORE_RULE = either(
  (value) => typeof value === 'boolean',
  flag,
  shape(storeRules, "true, false or an object, for example { file: ':memory:' }"),
);
