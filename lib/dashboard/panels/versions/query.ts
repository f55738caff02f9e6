import { type Question } from '../../api/question.js';
import { getOrAdd } from '../../get-or-add.js';
import { type RouteVersionAnswer, type StartAnswer } from '../../reader/answers/traffic.interface.js';
import { type TelemetryReader, type TimeRange } from '../../reader/telemetry-reader.interface.js';
import { type OrderedVersion, orderVersions } from '../overview/regressions.js';
import {
  type ComparedRoute,
  compareRoutes,
  type Side,
  sideOfRange,
  sideOfVersion,
} from './compare-routes.js';

/** Addresses of the panel, and their answers. */
export interface VersionsApi {
  readonly 'GET starts': readonly StartAnswer[];
  readonly 'GET comparison': ComparisonAnswer;
}

/** One of the two that are compared: a version, or a time range. */
export interface ComparedSide extends TimeRange {
  /** Undefined for a time range; else the range goes from its first to its last request. */
  readonly version: string | undefined;
}

/** What routes did before (`a`) and after (`b`). */
export interface ComparisonAnswer {
  /** The service whose versions are compared; of time ranges the one that was asked for, undefined for all. */
  readonly service: string | undefined;
  /** Versions of the service, the newest first; empty where time ranges are compared. */
  readonly versions: readonly string[];
  /** Undefined for a version that is not known, and where a service has no other version. */
  readonly a: ComparedSide | undefined;
  readonly b: ComparedSide | undefined;
  /** Regressions first, at most 500. */
  readonly routes: readonly ComparedRoute[];
  /** How many routes there are. */
  readonly total: number;
}

const WAYS = ['version', 'time'] as const;
const MAX_ROUTES = 500;
const MAX_TIME = 8_640_000_000_000_000;

export function askStarts({ reader, query, signal }: Question): Promise<readonly StartAnswer[]> {
  return reader.starts(
    { ...query.range(), ...query.processes(), service: query.text('service') },
    { signal },
  );
}

export async function askComparison({ reader, query, signal }: Question): Promise<ComparisonAnswer> {
  const service = query.text('service');
  if (query.choice('by', WAYS) === 'time') {
    const b = query.range();
    const from = query.number('otherFrom', 0, MAX_TIME) ?? Math.max(0, b.from - (b.to - b.from));
    return compareTimes(reader, { service, a: { from, to: from + b.to - b.from }, b }, signal);
  }
  const wanted = { a: query.text('a'), b: query.text('b') };
  return compareVersions(await reader.routeVersions({ service }, { signal }), service, wanted);
}

async function compareTimes(
  reader: Pick<TelemetryReader, 'routes'>,
  { service, a, b }: { readonly service: string | undefined; readonly a: TimeRange; readonly b: TimeRange },
  signal: AbortSignal,
): Promise<ComparisonAnswer> {
  const ask = async (range: TimeRange): Promise<Side> =>
    sideOfRange(await reader.routes({ ...range, service }, { signal }), range);
  const routes = compareRoutes(...(await Promise.all([ask(a), ask(b)])));
  const sides = { a: { ...a, version: undefined }, b: { ...b, version: undefined } };
  return { service, versions: [], ...sides, ...firstOf(routes) };
}

/** The versions that are asked for; else the newest and the one before, of the service that changed last. */
function compareVersions(
  all: readonly RouteVersionAnswer[],
  service: string | undefined,
  wanted: { readonly a: string | undefined; readonly b: string | undefined },
): ComparisonAnswer {
  const services = new Map<string, RouteVersionAnswer[]>();
  for (const each of all) getOrAdd(services, each.service, () => []).push(each);
  const [chosen] = [...services]
    .map(([name, own]) => ({ name, versions: orderVersions(own) }))
    .sort(
      (one, other) =>
        Number(other.versions.length > 1) - Number(one.versions.length > 1) ||
        (other.versions[0]?.since ?? 0) - (one.versions[0]?.since ?? 0),
    );
  const { versions = [] } = chosen ?? {};
  const find = (name: string): OrderedVersion | undefined => versions.find(({ version }) => version === name);
  const after = wanted.b === undefined ? versions[0] : find(wanted.b);
  const before =
    wanted.a === undefined
      ? after && versions.find(({ version, since }) => since <= after.since && version !== after.version)
      : find(wanted.a);
  const [a, b] = [before, after].map(
    (one) => one && { version: one.version, from: one.since, to: one.lastSeen + 1 },
  );
  const sideOf = (one: OrderedVersion | undefined, side: ComparedSide | undefined): Side =>
    one === undefined || side === undefined ? new Map() : sideOfVersion(one.routes, side);
  return {
    service: service ?? chosen?.name,
    versions: versions.map(({ version }) => version),
    a,
    b,
    ...firstOf(a === undefined || b === undefined ? [] : compareRoutes(sideOf(before, a), sideOf(after, b))),
  };
}

const firstOf = (routes: readonly ComparedRoute[]) => ({
  routes: routes.slice(0, MAX_ROUTES),
  total: routes.length,
});
