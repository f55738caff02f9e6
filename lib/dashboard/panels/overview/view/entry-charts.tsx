import type { OverviewAnswer } from '../../../reader/answers/traffic.interface.js';
import { TimeChart } from '../../../ui/charts/time-chart.js';
import { clientOf } from '../../../ui/client.js';
import { formatDuration, formatRate } from '../../../ui/format.js';
import { Coverage } from '../../../ui/parts/coverage.js';
import { WhenLoaded } from '../../../ui/parts/notice.js';
import { useSpanLoad } from '../../../ui/parts/use-load.js';
import { markedRegion } from '../../../ui/selected-region.js';
import { type Place, setQuery } from '../../../ui/state.js';
import type { OverviewApi } from '../query.js';

const overviewApi = clientOf<OverviewApi>();

const BUCKETS = 60;

/** A service, or one of its routes. */
interface Entries {
  readonly service: string;
  readonly method?: string | undefined;
  readonly route?: string | undefined;
}

interface EntryChartsProps {
  readonly of: Entries;
  readonly place: Place;
}

/** What entered a service or by a route over time: duration with dots that lead to traces, rate and errors. */
export function EntryCharts({ of, place }: EntryChartsProps) {
  const key = `overview|${of.service}|${of.method ?? ''}|${of.route ?? ''}`;
  const overview = useSpanLoad(key, place, (span, signal) =>
    overviewApi.get('overview', { ...span, ...of, buckets: BUCKETS }, signal),
  );
  return (
    <div class="charts-place">
      <WhenLoaded loaded={overview}>
        {(data) => (
          <>
            <Coverage of={data.coverage} />
            <Charts overview={data} of={of} place={place} />
          </>
        )}
      </WhenLoaded>
    </div>
  );
}

function Charts({ overview, of, place }: EntryChartsProps & { readonly overview: OverviewAnswer }) {
  const { service, route } = of;
  const marked = markedRegion(place, service, route);
  const onSelect = (from: number, to: number): void => {
    setQuery({ selFrom: Math.round(from), selTo: Math.round(to), selService: service, selRoute: route });
  };
  return (
    <div class="chart-pair">
      <TimeChart
        title="Duration"
        times={overview.times}
        series={[
          { label: 'p50', values: overview.p50, colour: '--p50' },
          { label: 'p95', values: overview.p95, colour: '--p95' },
          { label: 'p99', values: overview.p99, colour: '--p99' },
        ]}
        format={formatDuration}
        exemplars={overview.exemplars}
        sync="overview"
        service={service}
        marked={marked}
        onSelect={onSelect}
      />
      <TimeChart
        title="Requests"
        times={overview.times}
        series={[
          { label: 'all', values: overview.perSecond, colour: '--accent', fill: true },
          { label: 'failed', values: overview.errorsPerSecond, colour: '--error', fill: true },
          ...(overview.failedWorkPerSecond.some((rate) => rate > 0)
            ? [{ label: 'failed work', values: overview.failedWorkPerSecond, colour: '--warn', dashed: true }]
            : []),
        ]}
        format={formatRate}
        sync="overview"
        service={service}
        marked={marked}
        onSelect={onSelect}
      />
    </div>
  );
}
