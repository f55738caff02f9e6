import { clientOf } from '../../ui/client.js';
import { WhenLoaded } from '../../ui/parts/notice.js';
import { useLoad, useSpanLoad } from '../../ui/parts/use-load.js';
import { isLive, type Place, spanKeyOf, timeSpanOf } from '../../ui/state.js';
import type { OverviewApi } from './query.js';
import { FindingList } from './view/finding-list.js';
import { RouteTable } from './view/route-table.js';
import { ServiceCard } from './view/service-card.js';

const overviewApi = clientOf<OverviewApi>();

/** Findings are about minutes and hours, and ask the store more than a chart does. */
const FINDINGS_EVERY_MS = 15_000;

/** What is wrong, then every service over time, and every route. */
export function View({ place }: { readonly place: Place }) {
  const services = useSpanLoad('services', place, (span, signal) =>
    overviewApi.get('services', span, signal),
  );
  const findings = useLoad(
    `findings|${spanKeyOf(place)}`,
    (signal) => {
      const { from, to } = timeSpanOf(place.query);
      return overviewApi.get('findings', { from, to }, signal);
    },
    { everyMs: isLive(place) ? FINDINGS_EVERY_MS : undefined, keep: true },
  );
  const isKnown = (findings.data ?? findings.error) !== undefined;
  return (
    <>
      <h1 class="visually-hidden">Overview</h1>
      <FindingList loaded={findings} />
      <WhenLoaded
        // After the findings are there, or they would push the cards down.
        loaded={isKnown ? services : { ...services, data: undefined }}
        isEmpty={(list) => list.length === 0}
        empty="Nothing has been recorded yet. Send the application a request: it appears here by itself."
      >
        {(list) => (
          <div class="services">
            {/* By name: the busiest is another one all the time, and cards would change places below the pointer. */}
            {[...list]
              .sort((a, b) => a.name.localeCompare(b.name))
              .map((service) => (
                <ServiceCard key={service.name} service={service} place={place} />
              ))}
          </div>
        )}
      </WhenLoaded>
      {/* After the cards are there, or they would push it down. */}
      {isKnown && (services.data ?? services.error) !== undefined && <RouteTable place={place} />}
    </>
  );
}
