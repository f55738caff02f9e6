import type { TraceSummaryAnswer } from '../../reader/answers.interface.js';
import { clientOf } from '../../ui/client.js';
import { formatDateTime, formatDuration, formatTime, plural } from '../../ui/format.js';
import { Notice, WhenLoaded } from '../../ui/parts/notice.js';
import { type Column, Table } from '../../ui/parts/table.js';
import { failedSpans, statusOf, toneOf } from '../../ui/parts/trace-outcome.js';
import { useLoad } from '../../ui/parts/use-load.js';
import { addressOf, go, type Place } from '../../ui/state.js';
import type { TraceApi } from '../trace/query.js';
import type { TracesApi } from '../traces/query.js';
import type { CompareApi, ComparisonAnswer } from './query.js';

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
      <span style={{ marginLeft: `${Math.min(stepsOf(row).length - 1, 12) * 14}px` }}>
        {stepsOf(row).at(-1)}
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

function Others({ traceId, otherId }: CompareViewProps) {
  const others = useLoad(`others|${traceId}`, async (signal) => {
    const { summary } = await traceApi.get('traces/:traceId', { traceId }, signal);
    const page = await tracesApi.get(
      'traces',
      { service: summary.service, route: summary.route, limit: 100 },
      signal,
    );
    return page.items.filter((trace) => trace.traceId !== traceId && trace.name === summary.name);
  });
  return (
    <WhenLoaded
      loaded={others}
      isEmpty={(list) => list.length === 0}
      empty="There is no other trace of this route yet; send the request again."
    >
      {(list) => (
        <label>
          Compare with{' '}
          <select
            class="field"
            value={otherId ?? ''}
            onChange={(event) => {
              go(addressOf(['compare', traceId, event.currentTarget.value]));
            }}
          >
            <option value="" disabled>
              Choose a trace of this route
            </option>
            {otherId !== undefined && !list.some((trace) => trace.traceId === otherId) && (
              <option value={otherId}>Trace B below</option>
            )}
            {[...list]
              .sort((a, b) => a.durationMs - b.durationMs)
              .map((trace) => (
                <option key={trace.traceId} value={trace.traceId}>
                  {formatDuration(trace.durationMs)} at {formatTime(trace.start, false)}
                  {trace.errorCount > 0 ? `, ${failedSpans(trace)}` : ''}
                </option>
              ))}
          </select>
        </label>
      )}
    </WhenLoaded>
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

/** Two traces of a route, span by span; the second is chosen here. */
function CompareView({ traceId, otherId }: CompareViewProps) {
  return (
    <div class="stack-view">
      <header class="trace-header">
        <h1>Compare</h1>
        <div class="buttons">
          <Others traceId={traceId} otherId={otherId} />
          {otherId !== undefined && (
            <a class="button" href={addressOf(['compare', otherId, traceId])}>
              Swap
            </a>
          )}
        </div>
      </header>
      {otherId === undefined ? (
        <Notice>Choose a trace of the same route above: both are then set side by side, span by span.</Notice>
      ) : (
        <Comparison a={traceId} b={otherId} />
      )}
    </div>
  );
}

export function View({ place }: { readonly place: Place }) {
  return <CompareView traceId={place.path[1] ?? ''} otherId={place.path[2]} />;
}
