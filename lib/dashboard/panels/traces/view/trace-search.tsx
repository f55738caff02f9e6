import type { ComponentChildren } from 'preact';

import { clientOf } from '../../../ui/client.js';
import { parseDuration } from '../../../ui/format.js';
import { Chips } from '../../../ui/parts/chips.js';
import { SelectField, TextField } from '../../../ui/parts/fields.js';
import { useLoad } from '../../../ui/parts/use-load.js';
import { useServices } from '../../../ui/parts/use-services.js';
import { type Place, setQuery } from '../../../ui/state.js';
import { ConditionField } from '../../fields/view.js';
import type { OverviewApi } from '../../overview/query.js';

const overviewApi = clientOf<OverviewApi>();

const STATUSES = [
  ['error', 'Failed'],
  ['ok', 'Not failed'],
  ['2xx', '2xx'],
  ['4xx', '4xx'],
  ['5xx', '5xx'],
] as const;

interface TraceSearchProps {
  readonly place: Place;
  readonly children: ComponentChildren;
}

/** The filters of traces; what they hold is in the address. */
export function TraceSearch({ place, children }: TraceSearchProps) {
  const { query } = place;
  const services = useServices(place);
  const routes = useLoad('route-names', (signal) => overviewApi.get('routes', {}, signal), { keep: true });
  const service = query.get('service') ?? '';
  const of = (name: string): string => query.get(name) ?? '';
  const set = (name: string) => (value: string) => {
    setQuery({ [name]: value });
  };
  const names = new Set(
    routes.data?.filter((route) => service === '' || route.service === service).map(({ route }) => route),
  );
  const isDuration = (text: string): boolean => text === '' || parseDuration(text) !== undefined;
  return (
    <div class="search" role="search" aria-label="Traces">
      <TextField
        type="search"
        label="Search in names, attributes, logs  ( / )"
        value={of('text')}
        onChange={set('text')}
      />
      <SelectField label="Service" value={service} options={services} onChange={set('service')} />
      <TextField label="Route" value={of('route')} list="route-names" onChange={set('route')} />
      <datalist id="route-names">
        {[...names].map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      <SelectField label="Status" value={of('status')} options={STATUSES} onChange={set('status')} />
      <TextField
        label="Min, e.g. 200ms"
        value={of('min')}
        invalid={!isDuration(of('min'))}
        onChange={set('min')}
      />
      <TextField
        label="Max, e.g. 2s"
        value={of('max')}
        invalid={!isDuration(of('max'))}
        onChange={set('max')}
      />
      <ConditionField word="attribute" of="traces" query={query} />
      <Chips label="Attributes" query={query} named={['method', 'spanService']} />
      <span class="search-end">{children}</span>
    </div>
  );
}
