import type { Selection } from '../reader/telemetry-reader.interface.js';
import { processesOf } from './process-choice.js';
import type { Place } from './state.js';

/** The query that closes the selection. */
export const NO_REGION = {
  selFrom: undefined,
  selTo: undefined,
  selMin: undefined,
  selMax: undefined,
  selService: undefined,
  selRoute: undefined,
};

/** The region of a chart that the address says is selected. */
export function selectedRegion({ query }: Place): Selection | undefined {
  const number = (name: string): number | undefined => {
    const value = Number(query.get(name) ?? Number.NaN);
    return Number.isFinite(value) ? value : undefined;
  };
  const from = number('selFrom');
  const to = number('selTo');
  if (from === undefined || to === undefined || from >= to) return undefined;
  return {
    ...processesOf(query),
    from,
    to,
    minMs: number('selMin'),
    maxMs: number('selMax'),
    service: query.get('selService') ?? undefined,
    route: query.get('selRoute') ?? undefined,
  };
}

/** The part of the charts of a service, or of one of its routes, that is selected. */
export function markedRegion(
  place: Place,
  service: string,
  route?: string,
): Pick<Selection, 'from' | 'to'> | undefined {
  const region = selectedRegion(place);
  const isMarked = region?.service === service && region.route === route;
  return isMarked ? { from: region.from, to: region.to } : undefined;
}
