import type { OverviewApi } from '../../panels/overview/query.js';
import { clientOf } from '../client.js';
import { type Place, timeSpanOf } from '../state.js';
import { useLoad } from './use-load.js';

const overviewApi = clientOf<OverviewApi>();

/** The names of the services that have reported; empty until they are known. */
export function useServices({ query }: Place): readonly string[] {
  const key = ['range', 'from', 'to'].map((name) => query.get(name) ?? '').join('|');
  const services = useLoad(
    `service-names|${key}`,
    (signal) => {
      const { from, to } = timeSpanOf(query);
      return overviewApi.get('services', { from, to }, signal);
    },
    { keep: true },
  );
  return services.data?.map(({ name }) => name) ?? [];
}
