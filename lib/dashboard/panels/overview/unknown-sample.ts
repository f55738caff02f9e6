import {
  type QueryOptions,
  type TelemetryReader,
  type TimeRange,
} from '../../reader/telemetry-reader.interface.js';

/** A service of whose requests only a part was recorded, while its spans do not say which: rates and counts are of the sample. */
export interface UnknownSample {
  readonly kind: 'sample';
  readonly service: string;
  /** Requests of its routes counted by their spans, each with its weight. */
  readonly recorded: number;
  /** The same requests by its metrics, which are not sampled. */
  readonly requests: number;
}

/** The last part of a range is enough, and costs the same whatever the range. */
const LOOKED_AT_MS = 10 * 60_000;
/** Metrics are reported up to a minute later than spans, and a few spans are lost: only what is far apart says something. */
const MIN_RATIO = 1.5;
const MIN_DIFFERENCE = 100;

/** Compares the requests that spans stand for with those that metrics counted. Routes that are never recorded are left out. */
export async function findUnknownSamples(
  reader: Pick<TelemetryReader, 'routes' | 'requestCounts'>,
  { from, to }: TimeRange,
  options?: QueryOptions,
): Promise<readonly UnknownSample[]> {
  const range = { from: Math.max(from, to - LOOKED_AT_MS), to };
  const [routes, counts] = await Promise.all([
    reader.routes(range, options),
    reader.requestCounts(range, options),
  ]);
  const keyOf = (each: { service: string; method: string; route: string }): string =>
    JSON.stringify([each.service, each.method, each.route]);
  const requestsOf = new Map(counts.map((each) => [keyOf(each), each.count]));
  const samples = new Map<string, { recorded: number; requests: number }>();
  for (const route of routes) {
    const counted = requestsOf.get(keyOf(route));
    if (counted === undefined || route.count === 0) continue;
    const { recorded, requests } = samples.get(route.service) ?? { recorded: 0, requests: 0 };
    samples.set(route.service, { recorded: recorded + route.count, requests: requests + counted });
  }
  return [...samples]
    .filter(
      ([, { recorded, requests }]) =>
        requests >= recorded * MIN_RATIO && requests - recorded >= MIN_DIFFERENCE,
    )
    .map(([service, sums]) => ({ kind: 'sample', service, ...sums }));
}
