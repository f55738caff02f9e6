import { type MeterProvider } from '@opentelemetry/sdk-metrics';

import { hasMethods } from '../config/option-rules.js';

/**
 * Calls `prepare`, which must not throw, before each collection of a provider.
 *
 * @returns whether the SDK is built as this expects
 */
export function beforeCollections(provider: MeterProvider, prepare: () => void): boolean {
  const collectors = memberOf(memberOf(provider, '_sharedState'), 'metricCollectors');
  if (!Array.isArray(collectors) || !collectors.every((each) => hasMethods(each, ['collect']))) return false;
  for (const collector of collectors as { collect: (...args: unknown[]) => unknown }[]) {
    const collect = collector.collect.bind(collector);
    collector.collect = (...args) => {
      prepare();
      return collect(...args);
    };
  }
  return true;
}

/** A member of what may have another structure than expected; undefined where it is missing. */
export function memberOf(owner: unknown, name: string): unknown {
  return typeof owner === 'object' && owner !== null
    ? (owner as Readonly<Record<string, unknown>>)[name]
    : undefined;
}
