import type { OverviewAnswer, ServiceAnswer } from '../../../reader/answers.interface.js';
import { TimeChart } from '../../../ui/charts/time-chart.js';
import { clientOf } from '../../../ui/client.js';
import { formatAge, formatCount, formatDuration, formatRate, formatShare } from '../../../ui/format.js';
import { type Figure, Figures } from '../../../ui/parts/figures.js';
import { WhenLoaded } from '../../../ui/parts/notice.js';
import { serviceClass } from '../../../ui/parts/service-colour.js';
import { useSpanLoad } from '../../../ui/parts/use-load.js';
import { markedRegion } from '../../../ui/selected-region.js';
import { addressOf, type Place, setQuery } from '../../../ui/state.js';
import type { OverviewApi } from '../query.js';

const overviewApi = clientOf<OverviewApi>();

const BUCKETS = 60;

/** A service without requests has neither a share of errors nor quantiles. */
function figuresOf(of: ServiceAnswer): readonly Figure[] {
  const { name: service, count, perSecond, errorShare, p50, p95, p99, failedWork, errorLogs } = of;
  const known = (value: number): number | null => (count === 0 ? null : value);
  return [
    ['Rate', formatRate(perSecond)],
    ['Errors', formatShare(known(errorShare)), errorShare > 0 ? 'bad' : ''],
    // Only where there are some: most services have none.
    ['Failed work', linkTo(failedWork, ['traces'], { service, status: 'error' }), 'bad'],
    ['Error logs', linkTo(errorLogs, ['logs'], { service, level: 'error' }), 'bad'],
    ['p50', formatDuration(known(p50))],
    ['p95', formatDuration(known(p95))],
    ['p99', formatDuration(known(p99))],
  ];
}

function linkTo(count: number, ...[path, query]: Parameters<typeof addressOf>) {
  return count === 0 ? undefined : <a href={addressOf(path, query)}>{formatCount(count)}</a>;
}

interface ChartsProps {
  readonly overview: OverviewAnswer;
  readonly service: string;
  readonly place: Place;
}

function Charts({ overview, service, place }: ChartsProps) {
  const marked = markedRegion(place, service);
  const onSelect = (from: number, to: number): void => {
    setQuery({ selFrom: Math.round(from), selTo: Math.round(to), selService: service });
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

function LoadedCharts({ service, place }: { readonly service: string; readonly place: Place }) {
  const overview = useSpanLoad(`overview|${service}`, place, (span, signal) =>
    overviewApi.get('overview', { ...span, service, buckets: BUCKETS }, signal),
  );
  return (
    <div class="charts-place">
      <WhenLoaded loaded={overview}>
        {(data) => <Charts overview={data} service={service} place={place} />}
      </WhenLoaded>
    </div>
  );
}

/** One service: its figures, its duration with dots that lead to traces, its rate and errors. */
export function ServiceCard({ service, place }: { readonly service: ServiceAnswer; readonly place: Place }) {
  const { name, version, environment, lastSeen, count, failedWork } = service;
  return (
    <section class={`card service ${serviceClass(name)}`} aria-label={name}>
      <header>
        <h2>
          <i class="swatch" aria-hidden="true" />
          <a href={addressOf(['traces'], { service: name })}>{name}</a>
        </h2>
        <span class="hint">
          {[version && `v${version}`, environment, `last request ${formatAge(lastSeen)}`]
            .filter(Boolean)
            .join(' · ')}
        </span>
        <Figures of={figuresOf(service)} />
      </header>
      {count === 0 && failedWork === 0 ? (
        <p class="hint pad service-idle">No requests in this time range.</p>
      ) : (
        <LoadedCharts service={name} place={place} />
      )}
    </section>
  );
}
