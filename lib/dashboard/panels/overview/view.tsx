import { clientOf } from '../../ui/client.js';
import { WhenLoaded } from '../../ui/parts/notice.js';
import { type Loaded, useLoad, useSpanLoad } from '../../ui/parts/use-load.js';
import { selectedRegion } from '../../ui/selected-region.js';
import { isLive, type Place, scopeOf, spanKeyOf } from '../../ui/state.js';
import type { OverviewApi } from './query.js';
import { FindingList } from './view/finding-list.js';
import { RouteTable } from './view/route-table.js';
import { ServiceCard } from './view/service-card.js';

const overviewApi = clientOf<OverviewApi>();

/** Findings and trends are about minutes and hours, and ask the store more than a chart does. */
const FINDINGS_EVERY_MS = 15_000;

const isKnown = ({ data, error }: Loaded<unknown>): boolean => (data ?? error) !== undefined;

/** Loads what changes slowly for the time span of the page. */
function useSlowLoad<Path extends 'findings' | 'trends'>(path: Path, place: Place) {
  return useLoad(
    `${path}|${spanKeyOf(place)}`,
    (signal) => {
      return overviewApi.get(path, scopeOf(place), signal);
    },
    { everyMs: isLive(place) ? FINDINGS_EVERY_MS : undefined, keep: true },
  );
}

/** What is wrong, then every service in a line, and every route. */
export function View({ place }: { readonly place: Place }) {
  const services = useSpanLoad('services', place, (span, signal) =>
    overviewApi.get('services', span, signal),
  );
  const routes = useSpanLoad('routes', place, (span, signal) => overviewApi.get('routes', span, signal));
  const findings = useSlowLoad('findings', place);
  const trends = useSlowLoad('trends', place);
  const ofServices = new Map(trends.data?.services.map((trend) => [trend.service, trend]));
  const selected = selectedRegion(place)?.service;
  const isBegun = isKnown(findings);
  return (
    <>
      <h1 class="visually-hidden">Overview</h1>
      <FindingList loaded={findings} />
      <WhenLoaded
        // After the findings are there, or they would push the services down.
        loaded={isBegun ? services : { ...services, data: undefined }}
        isEmpty={(list) => list.length === 0}
        empty="Nothing has been recorded yet. Send the application a request: it appears here by itself."
      >
        {(list) => (
          <div class="services">
            {/* By name: the busiest is another one all the time, and lines would change places below the pointer. */}
            {[...list]
              .sort((a, b) => a.name.localeCompare(b.name))
              .map((service) => (
                <ServiceCard
                  key={service.name}
                  service={service}
                  place={place}
                  trend={ofServices.get(service.name)}
                  // A region is selected in a chart, which has to be there.
                  opensItself={list.length === 1 || service.name === selected}
                />
              ))}
          </div>
        )}
      </WhenLoaded>
      {/* After the services are there, which would push it down, and the trends, by which it is sorted. */}
      {isBegun && isKnown(services) && isKnown(trends) && (
        <RouteTable place={place} routes={routes} trends={trends.data} />
      )}
    </>
  );
}
