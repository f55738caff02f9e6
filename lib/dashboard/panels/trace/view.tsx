import { useMemo, useState } from 'preact/hooks';

import { ApiFailure, clientOf } from '../../ui/client.js';
import { nextTask } from '../../ui/parts/next-task.js';
import { Notice, WhenLoaded } from '../../ui/parts/notice.js';
import { useLoad } from '../../ui/parts/use-load.js';
import { addressOf, type Place, setQuery } from '../../ui/state.js';
import type { AnalysedTrace, TraceApi } from './query.js';
import { FlameGraph } from './view/flame-graph.js';
import { TraceHeader } from './view/trace-header.js';
import { TracePanel } from './view/trace-panel.js';
import { buildTree, spanWorthALook, type TraceTree } from './view/trace-tree.js';
import { Waterfall } from './view/waterfall.js';

const traceApi = clientOf<TraceApi>();

const OPEN_REFRESH_MS = 2_000;
/** After its end, spans of other processes are still on their way: exporters send theirs every 5 s by default. */
const WHOLE_AFTER_MS = 10_000;

/** Ways to show the spans, by their name in the address. */
const VIEWS = [
  [undefined, 'Waterfall'],
  ['flame', 'Flame graph'],
] as const;

interface OpenedProps {
  readonly trace: AnalysedTrace;
  readonly tree: TraceTree;
  readonly place: Place;
}

function Opened({ trace, tree, place }: OpenedProps) {
  const near = place.query.get('near');
  const worthALook = useMemo(() => spanWorthALook(trace, tree, near), [trace, tree, near]);
  const asked = place.query.get('span');
  const selected = asked === 'none' ? undefined : (asked ?? worthALook);
  const onSelect = (span: string): void => {
    // Moving along spans is not worth a step back each.
    setQuery({ span, ...(place.query.get('tab') === 'logs' ? {} : { tab: undefined }) }, { replace: true });
  };
  const node = selected === undefined ? undefined : tree.bySpanId.get(selected);
  const shownAs = place.query.get('as') === 'flame' ? 'flame' : undefined;
  const Spans = shownAs === 'flame' ? FlameGraph : Waterfall;
  const panelOpen = node !== undefined || (place.query.get('tab') ?? 'span') !== 'span';
  return (
    <div class="trace">
      <TraceHeader trace={trace} />
      <div class={panelOpen ? 'trace-split' : 'trace-split trace-split-closed'}>
        <Spans trace={trace} tree={tree} selected={selected} onSelect={onSelect}>
          <div class="segmented" role="group" aria-label="View of the trace">
            {VIEWS.map(([name, label]) => (
              <button
                key={name}
                type="button"
                aria-pressed={name === shownAs}
                onClick={() => {
                  setQuery({ as: name }, { replace: true });
                }}
              >
                {label}
              </button>
            ))}
          </div>
        </Spans>
        <TracePanel trace={trace} tree={tree} node={node} place={place} onSelect={onSelect} />
      </div>
    </div>
  );
}

/** One trace: its waterfall, and beside it a span, all logs, or why it was slow. */
function TraceView({ traceId, place }: { readonly traceId: string; readonly place: Place }) {
  const [isOpen, setOpen] = useState(false);
  const loaded = useLoad(
    `trace|${traceId}`,
    async (signal) => {
      const trace = await traceApi.get('traces/:traceId', { traceId }, signal);
      // Reading thousands of spans, placing them and drawing them would be one long task.
      await nextTask();
      const tree = buildTree(trace);
      await nextTask();
      setOpen(
        trace.summary.state !== undefined || Date.now() < tree.start + tree.durationMs + WHOLE_AFTER_MS,
      );
      return { trace, tree };
    },
    // More of it comes while it runs, and a little later.
    { everyMs: isOpen ? OPEN_REFRESH_MS : undefined },
  );
  const gone = (
    <>
      <p>
        No span of trace <span class="code">{traceId}</span> is stored. It may have been deleted to make room,
        or none of its spans has ended yet.
      </p>
      <p class="buttons">
        <button type="button" onClick={loaded.reload}>
          Try again
        </button>
        <a class="button" href={addressOf(['traces'])}>
          To the traces
        </a>
      </p>
    </>
  );
  if (loaded.error instanceof ApiFailure && loaded.error.status === 404) return <Notice>{gone}</Notice>;
  return (
    <WhenLoaded loaded={loaded} isEmpty={({ trace: { spans } }) => spans.length === 0} empty={gone}>
      {(opened) => <Opened {...opened} place={place} />}
    </WhenLoaded>
  );
}

export function View({ place }: { readonly place: Place }) {
  const [, traceId = ''] = place.path;
  return <TraceView key={traceId} traceId={traceId} place={place} />;
}
