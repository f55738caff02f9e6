import { useMemo, useState } from 'preact/hooks';

import type { TraceSummaryAnswer } from '../../../reader/answers/traces.interface.js';
import { formatDuration, formatTime, plural } from '../../../ui/format.js';
import { LiveList } from '../../../ui/parts/live-list.js';
import { ServiceNames } from '../../../ui/parts/service-names.js';
import { failedSpans, stateText, statusOf, toneOf } from '../../../ui/parts/trace-outcome.js';
import type { LivePages } from '../../../ui/parts/use-live-pages.js';
import { addressOf, go } from '../../../ui/state.js';

const ROW_HEIGHT = 30;

/** How long a bar is between the shortest and the longest trace; logarithmic like the plot above, or one slow trace would flatten all. */
function logarithmicShare(traces: readonly TraceSummaryAnswer[]): (trace: TraceSummaryAnswer) => number {
  const log = ({ durationMs }: TraceSummaryAnswer): number => Math.log10(Math.max(durationMs, 0.01));
  const logs = traces.map(log);
  const least = logs.reduce((min, value) => Math.min(min, value), Infinity) - 0.2;
  const most = logs.reduce((max, value) => Math.max(max, value), least + 0.2);
  return (trace) => (log(trace) - least) / (most - least);
}

interface RowProps {
  readonly trace: TraceSummaryAnswer;
  readonly index: number;
  readonly active: boolean;
  readonly share: number;
}

function Row({ trace, index, active, share }: RowProps) {
  const tone = toneOf(trace);
  const part = stateText(trace);
  return (
    <div
      id={`traces-${index}`}
      class={`trace-row trace-columns trace-${tone} ${active ? 'active' : ''}`}
      role="row"
      aria-rowindex={index + 1}
      aria-selected={active}
    >
      <time role="gridcell">{formatTime(trace.start)}</time>
      <span role="gridcell" class={`status status-${tone}`} title={statusOf(trace)}>
        {statusOf(trace)}
      </span>
      <span role="gridcell" class="name">
        <a tabIndex={-1} href={addressOf(['trace', trace.traceId])} title={trace.name}>
          {trace.name}
        </a>
        {part !== undefined && <span class="hint"> {part}</span>}
      </span>
      <span role="gridcell" class="trace-services">
        <ServiceNames of={trace} />
      </span>
      <span role="gridcell" class="trace-failed number">
        {trace.errorCount > 0 && <span class="badge badge-error">{failedSpans(trace)}</span>}
      </span>
      <span role="gridcell" class="trace-spans number hint">
        {plural(trace.spanCount, 'span')}
      </span>
      <span role="gridcell" class="trace-bar" aria-hidden="true">
        <i style={{ width: `${share * 100}%` }} />
      </span>
      <span role="gridcell" class="number">
        {formatDuration(trace.durationMs)}
        {trace.state === 'running' && '…'}
      </span>
    </div>
  );
}

interface TraceListProps {
  readonly pages: LivePages<TraceSummaryAnswer>;
}

type SortKey = 'start' | 'spans' | 'duration';

const SORTS: Readonly<Record<SortKey, (a: TraceSummaryAnswer, b: TraceSummaryAnswer) => number>> = {
  start: (a, b) => b.start - a.start,
  spans: (a, b) => b.spanCount - a.spanCount,
  duration: (a, b) => b.durationMs - a.durationMs,
};

interface HeadingsProps {
  readonly sort: SortKey;
  readonly onSort: (sort: SortKey) => void;
}

function Headings({ sort, onSort }: HeadingsProps) {
  const heading = (key: SortKey, name: string) => (
    <button
      type="button"
      class="link"
      aria-pressed={sort === key}
      title={`Sort what is loaded by ${name.toLowerCase()}`}
      onClick={() => {
        onSort(key);
      }}
    >
      {name} {sort === key && '↓'}
    </button>
  );
  return (
    <div class="trace-columns trace-head">
      {heading('start', 'Start')}
      <span>Status</span>
      <span>Name</span>
      <span class="trace-services">Services</span>
      <span class="trace-failed number">Failed</span>
      <span class="trace-spans number">{heading('spans', 'Spans')}</span>
      <span class="trace-bar" />
      <span class="number">{heading('duration', 'Duration')}</span>
    </div>
  );
}

/** Traces as rows, newest first unless they are sorted otherwise; Enter or a click opens one. */
export function TraceList({ pages }: TraceListProps) {
  const [activeId, setActiveId] = useState<string>();
  const [sort, setSort] = useState<SortKey>('start');
  const traces = useMemo(
    () => (sort === 'start' ? pages.items : [...pages.items].sort(SORTS[sort])),
    [pages.items, sort],
  );
  const active = traces.findIndex(({ traceId }) => traceId === activeId);
  const shareOf = useMemo(() => logarithmicShare(traces), [traces]);
  return (
    <>
      <Headings sort={sort} onSort={setSort} />
      <LiveList
        id="traces"
        class="card trace-list"
        label={sort === 'start' ? 'Traces, newest first' : `Traces by ${sort}`}
        pages={{ ...pages, items: traces, grown: sort === 'start' ? pages.grown : 0 }}
        thing="trace"
        rowHeight={ROW_HEIGHT}
        active={active}
        onActive={({ traceId }) => {
          setActiveId(traceId);
        }}
        onOpen={({ traceId }) => {
          go(addressOf(['trace', traceId]));
        }}
      >
        {(trace, index) => (
          <Row
            key={trace.traceId}
            trace={trace}
            index={index}
            active={index === active}
            share={shareOf(trace)}
          />
        )}
      </LiveList>
    </>
  );
}
