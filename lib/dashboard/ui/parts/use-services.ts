import { api } from '../api.js';
import { useLoad } from './use-load.js';

/** The names of the services that have reported; empty until they are known. */
export function useServices(): readonly string[] {
  const services = useLoad('service-names', (signal) => api.services({}, signal), { keep: true });
  return services.data?.map(({ name }) => name) ?? [];
}
