import { useState } from 'preact/hooks';

import type { TraceSummaryAnswer } from '../../reader/answers/traces.interface.js';
import { type Region, Scatter } from '../../ui/charts/scatter.js';
import { formatDuration, formatTime, plural } from '../../ui/format.js';
import { CopyCurl } from '../../ui/parts/copy-curl.js';
import { ImportButton } from '../../ui/parts/import-button.js';
import { countOf } from '../../ui/parts/use-live-pages.js';
import { WhenListed } from '../../ui/parts/when-listed.js';
import { selectedRegion } from '../../ui/selected-region.js';
import { addressOf, go, isLive, type Place, setQuery, timeSpanOf } from '../../ui/state.js';
import { RunningTraces } from './view/running-traces.js';
import { TraceList } from './view/trace-list.js';
import { TraceSearch } from './view/trace-search.js';
import { TRACE_FILTERS, useTraces } from './view/use-traces.js';

function select(region: Region, { query }: Place): void {
  setQuery({
    selFrom: Math.round(region.from),
    selTo: Math.round(region.to),
    selMin: region.minMs.toPrecision(4),
    selMax: region.maxMs.toPrecision(4),
    selService: query.get('service') ?? undefined,
    selRoute: query.get('route') ?? undefined,
  });
}

interface PlotProps {
  readonly traces: readonly TraceSummaryAnswer[];
  readonly complete: boolean;
  readonly place: Place;
}

function Plot({ traces, complete, place }: PlotProps) {
  const [hovered, setHovered] = useState<TraceSummaryAnswer>();
  const { from, to } = timeSpanOf(place.query);
  // Where older ones are not loaded, an empty stretch would say that there were none.
  const oldest = complete ? from : Math.max(from, traces.at(-1)?.start ?? from);
  return (
    <figure class="card scatter">
      <figcaption>
        <span class="chart-title">Duration</span>
        <span class="hint">
          {formatTime(oldest, false)} – {formatTime(to, false)}
          {complete ? '' : `, the newest ${plural(traces.length, 'trace')} of ${formatDuration(to - from)}`}
        </span>
        {hovered ? (
          <span>
            <b>{formatDuration(hovered.durationMs)}</b> {hovered.name}{' '}
            <span class="hint">
              {hovered.service} · {formatTime(hovered.start)} · {plural(hovered.spanCount, 'span')}
            </span>
          </span>
        ) : (
          <span class="hint">
            Click a dot to open its trace, drag (or Shift and arrow keys) to see what a region has in common.{' '}
            <span class="key key-failed">has failed spans</span>
          </span>
        )}
      </figcaption>
      <Scatter
        traces={traces}
        marked={selectedRegion(place)}
        service={place.query.get('service') ?? undefined}
        from={oldest}
        to={to}
        onHover={setHovered}
        onOpen={({ traceId }) => {
          go(addressOf(['trace', traceId]));
        }}
        onSelect={(region) => {
          select(region, place);
        }}
      />
    </figure>
  );
}

/** Words that stand in place of a method where a route is none of HTTP. */
const NOT_HTTP = ['RPC', 'CONSUME', 'RUN'];

/** Where the traces of one route are listed, as the links of routes do. */
function CopyCurlOfRoute({ place: { query } }: { readonly place: Place }) {
  const [service, method, route] = ['service', 'method', 'route'].map((name) => query.get(name));
  if (!service || !method || !route || NOT_HTTP.includes(method)) return null;
  return <CopyCurl of={{ service, method, route }} />;
}

/** Traces that match, newest first, and their durations over time. */
export function View({ place }: { readonly place: Place }) {
  const pages = useTraces(place, isLive(place));
  const { items: traces, loading, complete } = pages;
  return (
    <div class="fill">
      <h1 class="visually-hidden">Traces</h1>
      <TraceSearch place={place}>
        <span class="hint">{loading ? '' : countOf(pages, 'trace')}</span>
        <RunningTraces place={place} />
        <CopyCurlOfRoute place={place} />
        <ImportButton />
      </TraceSearch>
      <WhenListed
        pages={pages}
        place={place}
        things="traces"
        filters={TRACE_FILTERS}
        empty="Send the application a request: its trace appears here by itself. You can also import a saved one."
      >
        {() => (
          <>
            <Plot traces={traces} complete={complete} place={place} />
            <TraceList pages={pages} />
          </>
        )}
      </WhenListed>
    </div>
  );
}
