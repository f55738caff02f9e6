import { clientOf } from '../../ui/client.js';
import { WhenLoaded } from '../../ui/parts/notice.js';
import { useSpanLoad } from '../../ui/parts/use-load.js';
import type { Place } from '../../ui/state.js';
import type { OverviewApi } from './query.js';
import { RouteTable } from './view/route-table.js';
import { ServiceCard } from './view/service-card.js';

const overviewApi = clientOf<OverviewApi>();

/** Every service over time, and every route. */
export function View({ place }: { readonly place: Place }) {
  const services = useSpanLoad('services', place, (span, signal) =>
    overviewApi.get('services', span, signal),
  );
  return (
    <>
      <h1 class="visually-hidden">Overview</h1>
      <WhenLoaded
        loaded={services}
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
      {(services.data ?? services.error) !== undefined && <RouteTable place={place} />}
    </>
  );
}
