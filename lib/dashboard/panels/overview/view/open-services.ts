import type { QueryChange } from '../../../ui/state.js';

/**
 * Whether a service is open: the address names those that were opened, and those that were closed although they open by themselves, so
 * that a service that comes later closes nothing.
 */
export function isOpenIn(query: URLSearchParams, service: string, opensItself: boolean): boolean {
  if (query.getAll('open').includes(service)) return true;
  return opensItself && !query.getAll('closed').includes(service);
}

/** The change of the address that opens a service that is closed, or the other way round. */
export function toggled(query: URLSearchParams, service: string, opensItself: boolean): QueryChange {
  const without = (name: string): string[] => query.getAll(name).filter((each) => each !== service);
  const [open, closed] = [without('open'), without('closed')];
  if (isOpenIn(query, service, opensItself)) {
    if (opensItself) closed.push(service);
  } else if (!opensItself) open.push(service);
  return { open, closed };
}
