import type { TraceSummaryAnswer } from '../../reader/answers/traces.interface.js';
import { clientOf } from '../../ui/client.js';
import { formatDateTime, formatDuration, formatTime, plural } from '../../ui/format.js';
import { Notice, WhenLoaded } from '../../ui/parts/notice.js';
import { serviceClass } from '../../ui/parts/service-colour.js';
import { type Column, Table } from '../../ui/parts/table.js';
import { failedSpans, statusOf, toneOf } from '../../ui/parts/trace-outcome.js';
import { useLoad } from '../../ui/parts/use-load.js';
import { addressOf, type Place } from '../../ui/state.js';
import type { TraceApi } from '../trace/query.js';
import type { TracesApi } from '../traces/query.js';
import type { CompareApi, ComparisonAnswer } from './query.js';
import { labelOthers, type OtherTrace, type OtherTraces } from './view/choose-other.js';

const traceApi = clientOf<TraceApi>();
const tracesApi = clientOf<TracesApi>();
const compareApi = clientOf<CompareApi>();

/** Share of the longest time; smaller differences are noise. */
const WORTH_A_COLOUR = 0.02;

function Side({ name, trace }: { readonly name: string; readonly trace: TraceSummaryAnswer }) {
  return (
    <div class="card compare-side">
      <b class={`side side-${name.toLowerCase()}`}>{name}</b>{' '}
      <a href={addressOf(['trace', trace.traceId])}>{trace.name}</a>
      <p>
        <b>{formatDuration(trace.durationMs)}</b> · {plural(trace.spanCount, 'span')} ·{' '}
        <span class={`status status-${toneOf(trace)}`}>{statusOf(trace)}</span>
        {trace.errorCount > 0 && <span class="bad"> · {failedSpans(trace)}</span>}
        <br />
        <span class="hint">{formatDateTime(trace.start)}</span>
      </p>
    </div>
  );
}

type Row = ComparisonAnswer['rows'][number];

const numbered = (name: string, textOf: (row: Row) => string | number): Column<Row> => ({
  name,
  number: true,
  cell: textOf,
});
const countOf = (count: number): string | number => (count === 0 ? 'none' : count);
const stepsOf = ({ path }: Row): readonly string[] => path.split(' › ');

/** @param widest the longest time of all rows, in milliseconds */
const columnsOf = (widest: number): readonly Column<Row>[] => [
  {
    name: 'Span',
    title: ({ path }) => path,
    cell: (row) => (
      <span
        class={serviceClass(row.service)}
        title={row.service}
        style={{ marginLeft: `${Math.min(stepsOf(row).length - 1, 12) * 14}px` }}
      >
        <i class="swatch" aria-hidden="true" /> {stepsOf(row).at(-1)}
      </span>
    ),
  },
  numbered('Count A', ({ countA }) => countOf(countA)),
  numbered('Count B', ({ countB }) => countOf(countB)),
  {
    name: 'Time',
    class: () => 'compare-bars',
    cell: ({ msA, msB }) => (
      <>
        <i class="side-a" style={{ width: `${(msA / widest) * 100}%` }} />
        <i class="side-b" style={{ width: `${(msB / widest) * 100}%` }} />
      </>
    ),
  },
  numbered('A', ({ msA }) => formatDuration(msA)),
  numbered('B', ({ msB }) => formatDuration(msB)),
  {
    ...numbered('B − A', ({ msA, msB }) => `${msB > msA ? '+' : ''}${formatDuration(msB - msA)}`),
    class: ({ msA, msB }) =>
      Math.abs(msB - msA) < widest * WORTH_A_COLOUR ? 'hint' : msB > msA ? 'bad' : 'good',
  },
];

function Rows({ rows }: Pick<ComparisonAnswer, 'rows'>) {
  const widest = Math.max(0.001, ...rows.flatMap(({ msA, msB }) => [msA, msB]));
  return (
    <Table
      class="compare"
      columns={columnsOf(widest)}
      rows={rows}
      keyOf={({ path }) => path}
      rowClass={({ countA, countB }) => (countA === 0 || countB === 0 ? 'only-one' : '')}
    />
  );
}

const sameRoute = async (traceId: string, signal: AbortSignal): Promise<OtherTraces> => {
  const { summary } = await traceApi.get('traces/:traceId', { traceId }, signal);
  const { service, route, name } = summary;
  const page = await tracesApi.get('traces', { service, route, limit: 100 }, signal);
  return labelOthers(page.items.filter((trace) => trace.traceId !== traceId && trace.name === name));
};

const describe = ({ trace, labels }: OtherTrace): string =>
  [formatDuration(trace.durationMs), ...labels].join(' · ');

function closePicker(event: Event): void {
  const details = (event.currentTarget as Element).closest('details'); // the listener's element
  details?.removeAttribute('open');
  details?.querySelector('summary')?.focus();
}

interface PickerProps extends OtherTraces {
  readonly traceId: string;
  readonly otherId: string;
}

/** The traces of the route, each a link to the comparison with it. */
function Picker({ traceId, otherId, others }: PickerProps) {
  const chosen = others.find(({ trace }) => trace.traceId === otherId);
  return (
    <details
      class="range-picker others"
      onKeyDown={(event) => {
        if (event.key !== 'Escape') return;
        event.stopPropagation();
        closePicker(event);
      }}
    >
      <summary>Compare with: {chosen === undefined ? 'the trace below' : describe(chosen)}</summary>
      <ul class="card">
        {others.map((other) => (
          <li key={other.trace.traceId}>
            <a
              href={addressOf(['compare', traceId, other.trace.traceId])}
              aria-current={other.trace.traceId === otherId ? 'true' : undefined}
              onClick={closePicker}
            >
              {formatTime(other.trace.start, false)} <b>{formatDuration(other.trace.durationMs)}</b>{' '}
              <span class={`status status-${toneOf(other.trace)}`}>{statusOf(other.trace)}</span>{' '}
              <span class="hint">
                {[failedSpans(other.trace), ...other.labels].filter(Boolean).join(' · ')}
              </span>
            </a>
          </li>
        ))}
      </ul>
    </details>
  );
}

function Comparison({ a, b }: { readonly a: string; readonly b: string }) {
  const loaded = useLoad(`compare|${a}|${b}`, (signal) => compareApi.get('compare', { a, b }, signal));
  return (
    <WhenLoaded loaded={loaded}>
      {(comparison) => (
        <>
          <div class="compare-sides">
            <Side name="A" trace={comparison.a} />
            <Side name="B" trace={comparison.b} />
          </div>
          <div class="card scroll-x">
            <Rows rows={comparison.rows} />
          </div>
        </>
      )}
    </WhenLoaded>
  );
}

interface CompareViewProps {
  readonly traceId: string;
  readonly otherId: string | undefined;
}

/** Two traces of a route, span by span; the second is the typical one unless another is chosen. */
function CompareView({ traceId, otherId }: CompareViewProps) {
  const loaded = useLoad(`others|${traceId}`, (signal) => sameRoute(traceId, signal));
  return (
    <WhenLoaded loaded={loaded}>
      {({ others, typical }) => {
        const shown = otherId ?? typical?.traceId;
        return (
          <div class="stack-view">
            <header class="trace-header">
              <h1>Compare</h1>
              {shown !== undefined && (
                <div class="buttons">
                  <Picker traceId={traceId} otherId={shown} others={others} typical={typical} />
                  <a class="button" href={addressOf(['compare', shown, traceId])}>
                    Swap
                  </a>
                </div>
              )}
            </header>
            {shown === undefined ? (
              <Notice>
                There is no other trace of this route yet; send the request again.{' '}
                <a href={addressOf(['trace', traceId])}>Back to the trace</a>
              </Notice>
            ) : (
              <Comparison a={traceId} b={shown} />
            )}
          </div>
        );
      }}
    </WhenLoaded>
  );
}

export function View({ place }: { readonly place: Place }) {
  return <CompareView traceId={place.path[1] ?? ''} otherId={place.path[2]} />;
}
