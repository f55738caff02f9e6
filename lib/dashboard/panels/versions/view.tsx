import type { ComponentChildren } from 'preact';

import { clientOf } from '../../ui/client.js';
import {
  formatCount,
  formatDateTime,
  formatDuration,
  formatExact,
  formatRate,
  formatShare,
} from '../../ui/format.js';
import { SelectField } from '../../ui/parts/fields.js';
import { Notice, WhenLoaded } from '../../ui/parts/notice.js';
import { type Column, Table } from '../../ui/parts/table.js';
import { useLoad } from '../../ui/parts/use-load.js';
import { useServices } from '../../ui/parts/use-services.js';
import {
  addressOf,
  addressWith,
  isLive,
  type Place,
  setQuery,
  spanKeyOf,
  timeSpanOf,
} from '../../ui/state.js';
import type { ComparedRoute, SideFigures, Verdict } from './compare-routes.js';
import type { ComparedSide, ComparisonAnswer, VersionsApi } from './query.js';
import { otherBeginOf } from './view/other-begin.js';

const versionsApi = clientOf<VersionsApi>();

/** Sums of hours and days, which change slowly. */
const EVERY_MS = 15_000;

const VERDICT_WORDS: Readonly<Record<Verdict, readonly [label: string, meaning: string, tone: string]>> = {
  failing: ['Fails more', 'A larger share of its requests fails, by more than chance explains', 'bad'],
  slower: ['Slower', 'Its p95 is higher by half, by 20 ms and by more than chance explains', 'warn'],
  better: ['Better', 'It fails less often or its p95 is lower, by more than chance explains', 'good'],
  same: ['Same', 'What differs may be chance', ''],
  few: ['Too few', 'Fewer than 30 requests before or after: nothing can be said', ''],
  'only-a': ['Only before', 'Not called after', ''],
  'only-b': ['Only after', 'Not called before', ''],
};

/** A value before and after, as text or links. */
function Both({ a, b }: { readonly a: ComponentChildren; readonly b: ComponentChildren }) {
  return (
    <>
      {a} <span class="hint">→</span> {b}
    </>
  );
}

function tracesOf({ service, method, route }: ComparedRoute, { from, to }: SideFigures): string {
  const span = { range: undefined, from: Math.floor(from), to: Math.ceil(to) };
  return addressOf(['traces'], { service, method, route, ...span });
}

function LinkedCount({
  row,
  side,
  word,
}: {
  row: ComparedRoute;
  side: SideFigures | undefined;
  word: string;
}) {
  if (side === undefined) return <>0</>;
  return (
    <a
      href={tracesOf(row, side)}
      title={`The traces ${word}`}
      aria-label={`${formatExact(side.count)} requests ${word}: their traces`}
    >
      {formatCount(side.count)}
    </a>
  );
}

/** How many times as much it is; routes that were called on one side only come last. */
const changeOf = ({ a, b }: ComparedRoute, valueOf: (side: SideFigures) => number): number =>
  a === undefined || b === undefined ? -1 : valueOf(b) / Math.max(valueOf(a), 0.001);

/** A column of one figure before and after. */
const figureColumn = (
  name: string,
  valueOf: (side: SideFigures) => number,
  format: (value: number | undefined) => string,
  sortBy: (row: ComparedRoute) => number,
  worse?: Verdict,
): Column<ComparedRoute> => ({
  name,
  number: true,
  sortBy,
  class: ({ verdict }) => (verdict === worse ? 'worse' : ''),
  cell: ({ a, b }) => <Both a={format(a && valueOf(a))} b={format(b && valueOf(b))} />,
});

const COLUMNS: readonly Column<ComparedRoute>[] = [
  {
    name: 'Change',
    cell: ({ verdict }) => {
      const [label, meaning, tone] = VERDICT_WORDS[verdict];
      return (
        <span class={`verdict verdict-${tone}`} title={meaning}>
          {label}
        </span>
      );
    },
  },
  {
    name: 'Route',
    class: () => 'route-name',
    sortBy: ({ method, route }) => `${route} ${method}`,
    cell: ({ service, method, route }) => (
      <>
        {method} {route === '' ? 'no matching route' : route} <span class="hint">{service}</span>
      </>
    ),
  },
  figureColumn(
    'p95',
    ({ p95 }) => p95,
    formatDuration,
    (row) => changeOf(row, ({ p95 }) => p95),
    'slower',
  ),
  figureColumn(
    'Errors',
    ({ errorShare }) => errorShare,
    formatShare,
    ({ a, b }) => (a === undefined || b === undefined ? -2 : b.errorShare - a.errorShare),
    'failing',
  ),
  figureColumn(
    'Rate',
    ({ perSecond }) => perSecond,
    formatRate,
    (row) => changeOf(row, ({ perSecond }) => perSecond),
  ),
  {
    name: 'Requests',
    number: true,
    sortBy: ({ b }) => b?.count ?? 0,
    cell: (row) => (
      <Both
        a={<LinkedCount row={row} side={row.a} word="before" />}
        b={<LinkedCount row={row} side={row.b} word="after" />}
      />
    ),
  },
];

const isSameDay = (a: number, b: number): boolean =>
  formatDateTime(a).slice(0, 10) === formatDateTime(b).slice(0, 10);

/** `0.2.0, 2026-11-29 14:03:07 to 14:20:11` */
function describeSide({ version, from, to }: ComparedSide): string {
  const [begin, end] = [formatDateTime(from).slice(0, 19), formatDateTime(to).slice(0, 19)];
  const when = `${begin} to ${isSameDay(from, to) ? end.slice(11) : end}`;
  return version === undefined ? when : `version ${version}, ${when}`;
}

function Comparison({
  answer: { service, versions, a, b, routes, total },
  byTime,
}: {
  readonly answer: ComparisonAnswer;
  readonly byTime: boolean;
}) {
  if (a === undefined || b === undefined)
    return (
      <Notice>
        {versions.length > 0
          ? `Of ${service ?? ''} there is only version ${versions.join(', ')} to compare.`
          : 'No service has answered with a version (service.version).'}{' '}
        <a href={addressWith({ by: 'time', a: undefined, b: undefined })}>Compare two times instead</a>
      </Notice>
    );
  return (
    <>
      <p class="hint">
        {describeSide(a)} <b>→</b> {describeSide(b)}
        {total > routes.length &&
          ` · the first ${formatExact(routes.length)} of ${formatExact(total)} routes`}
      </p>
      {routes.length === 0 ? (
        <Notice>No requests {byTime ? 'in these two time ranges' : 'to these two versions'}.</Notice>
      ) : (
        <div class="card scroll-x" tabIndex={0} role="region" aria-label="Routes, regressions first">
          <Table
            class="compared-routes"
            columns={COLUMNS}
            rows={routes}
            keyOf={({ service: of, method, route }) => JSON.stringify([of, method, route])}
          />
        </div>
      )}
    </>
  );
}

const set = (name: string) => (value: string) => {
  setQuery({ [name]: value });
};

function VersionFields({
  answer,
  place,
}: {
  readonly answer: ComparisonAnswer | undefined;
  readonly place: Place;
}) {
  const of = (name: 'a' | 'b'): string => place.query.get(name) ?? answer?.[name]?.version ?? '';
  const versions = answer?.versions ?? [];
  return (
    <>
      <SelectField
        label="Version before"
        any="the one before"
        value={of('a')}
        options={versions}
        onChange={set('a')}
      />
      <SelectField
        label="Version after"
        any="the newest"
        value={of('b')}
        options={versions}
        onChange={set('b')}
      />
    </>
  );
}

function TimeFields({ place }: { readonly place: Place }) {
  const against = place.query.get('against') ?? '';
  const span = timeSpanOf(place.query);
  const begin = otherBeginOf(against, span);
  const isChosen = /^\d+$/.test(against);
  return (
    <>
      <SelectField
        label="Compare with"
        any="with the time before"
        value={isChosen ? 'chosen' : against}
        options={[
          ['day', 'with a day before'],
          ['week', 'with a week before'],
          ['chosen', 'with another time'],
        ]}
        onChange={(value) => {
          setQuery({ against: value === 'chosen' ? Math.floor(begin) : value });
        }}
      />
      {isChosen && (
        <label>
          from{' '}
          <input
            class="field"
            type="datetime-local"
            step="1"
            value={formatDateTime(begin).slice(0, 19).replace(' ', 'T')}
            onChange={(event) => {
              const time = Date.parse(event.currentTarget.value);
              if (time > 0) setQuery({ against: time });
            }}
          />
        </label>
      )}
    </>
  );
}

/** Two versions of a service, or two time ranges: each route before and after, regressions first. */
export function View({ place }: { readonly place: Place }) {
  const services = useServices(place);
  const of = (name: string): string => place.query.get(name) ?? '';
  const byTime = of('by') === 'time';
  const keys = byTime ? [spanKeyOf(place), of('against')] : [of('a'), of('b')];
  const loaded = useLoad(
    ['comparison', of('by'), of('service'), ...keys].join('|'),
    (signal) => {
      const span = timeSpanOf(place.query);
      const asked = byTime
        ? { by: 'time', from: span.from, to: span.to, otherFrom: otherBeginOf(of('against'), span) }
        : { a: of('a'), b: of('b') };
      return versionsApi.get('comparison', { service: of('service'), ...asked }, signal);
    },
    { everyMs: isLive(place) ? EVERY_MS : undefined },
  );
  const answer = loaded.data;
  return (
    <div class="stack-view">
      <h1 class="visually-hidden">Before and after</h1>
      <div class="search" role="search" aria-label="Before and after">
        <span class="segmented" role="group" aria-label="Compare">
          {[
            ['', 'Two versions'],
            ['time', 'Two times'],
          ].map(([way, word]) => (
            <button
              key={word}
              type="button"
              aria-pressed={of('by') === way}
              onClick={() => {
                setQuery({ by: way });
              }}
            >
              {word}
            </button>
          ))}
        </span>
        <SelectField
          label="Service"
          any={byTime ? 'All services' : 'The one that changed last'}
          value={of('service') || (byTime ? '' : (answer?.service ?? ''))}
          options={services}
          onChange={(service) => {
            setQuery({ service, a: undefined, b: undefined });
          }}
        />
        {byTime ? <TimeFields place={place} /> : <VersionFields answer={answer} place={place} />}
      </div>
      <WhenLoaded loaded={loaded}>{(data) => <Comparison answer={data} byTime={byTime} />}</WhenLoaded>
    </div>
  );
}
