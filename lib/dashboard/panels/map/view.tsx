import { useMemo } from 'preact/hooks';

import type { ServiceMapAnswer } from '../../reader/answers/service-map.interface.js';
import { clientOf } from '../../ui/client.js';
import { formatExact, formatTime, plural } from '../../ui/format.js';
import { SelectField } from '../../ui/parts/fields.js';
import { WhenLoaded } from '../../ui/parts/notice.js';
import { useSpanLoad } from '../../ui/parts/use-load.js';
import { useServices } from '../../ui/parts/use-services.js';
import { type Place, setQuery, timeSpanOf } from '../../ui/state.js';
import type { MapApi } from './query.js';
import { EdgeTable } from './view/edge-table.js';
import { graphOf } from './view/map-graph.js';
import { MapPlane } from './view/map-plane.js';

const mapApi = clientOf<MapApi>();

function choose(node: string | undefined): void {
  setQuery({ node }, { replace: true });
}

function Found({ answer, place }: { readonly answer: ServiceMapAnswer; readonly place: Place }) {
  const graph = useMemo(() => graphOf(answer), [answer]);
  const { edges, total, traces, since, complete } = answer;
  const node = graph.nodes.find(({ id }) => id === place.query.get('node'));
  return (
    <>
      <p class="hint">
        {complete ? 'All' : 'The newest'} {plural(traces, 'trace')} since{' '}
        {formatTime(complete ? timeSpanOf(place.query).from : since, false)}; rates are of this time
        {total > edges.length &&
          `; the ${formatExact(edges.length)} of ${formatExact(total)} edges with the most calls`}
        .
      </p>
      <section class="card map" aria-label="Map">
        <MapPlane graph={graph} chosen={node?.id} onChoose={choose} />
      </section>
      <EdgeTable
        edges={graph.edges}
        node={node}
        onAll={() => {
          choose(undefined);
        }}
      />
    </>
  );
}

/** What calls what. */
export function View({ place }: { readonly place: Place }) {
  const services = useServices(place);
  const service = place.query.get('service') ?? '';
  const loaded = useSpanLoad(`map|${service}`, place, (span, signal) =>
    mapApi.get('map', { ...span, service }, signal),
  );
  return (
    <div class="stack-view">
      <h1 class="visually-hidden">Map</h1>
      <div class="search" role="search" aria-label="Map">
        <SelectField
          label="Service"
          value={service}
          options={services}
          onChange={(value) => {
            setQuery({ service: value });
          }}
        />
      </div>
      <WhenLoaded
        loaded={loaded}
        isEmpty={({ nodes }) => nodes.length === 0}
        empty="No traces in this time span."
      >
        {(answer) => <Found answer={answer} place={place} />}
      </WhenLoaded>
    </div>
  );
}
