import type { OverviewApi } from '../../panels/overview/query.js';
import { clientOf } from '../client.js';
import { type Place, spanKeyOf, timeSpanOf } from '../state.js';
import { useLoad } from './use-load.js';

const overviewApi = clientOf<OverviewApi>();

/** The names of the services that have reported; empty until they are known. */
export function useServices(place: Place): readonly string[] {
  const services = useLoad(
    `service-names|${spanKeyOf(place)}`,
    (signal) => {
      const { from, to } = timeSpanOf(place.query);
      return overviewApi.get('services', { from, to }, signal);
    },
    { keep: true },
  );
  return services.data?.map(({ name }) => name) ?? [];
}
