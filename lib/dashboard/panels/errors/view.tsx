import { ERROR_STATES } from '../../reader/telemetry-reader.interface.js';
import { clientOf } from '../../ui/client.js';
import { formatExact } from '../../ui/format.js';
import { Coverage } from '../../ui/parts/coverage.js';
import { SelectField, TextField } from '../../ui/parts/fields.js';
import { WhenLoaded } from '../../ui/parts/notice.js';
import { useSpanLoad } from '../../ui/parts/use-load.js';
import { useServices } from '../../ui/parts/use-services.js';
import { ALL_PROCESSES, hasChoice } from '../../ui/process-choice.js';
import { addressOf, type Place, setQuery } from '../../ui/state.js';
import type { ErrorsApi } from './query.js';
import { ErrorDetails } from './view/error-details.js';
import { ErrorList } from './view/error-list.js';
import { nameState, STATE_MEANINGS } from './view/state-badge.js';

const errorsApi = clientOf<ErrorsApi>();

const FILTERS = ['text', 'service', 'state'] as const;

interface SearchProps {
  readonly place: Place;
  /** How many there are of each state, once that is known. */
  readonly states: Readonly<Record<string, number>> | undefined;
}

function ErrorSearch({ place: { query }, place, states }: SearchProps) {
  const services = useServices(place);
  const of = (name: string): string => query.get(name) ?? '';
  const set = (name: string) => (value: string) => {
    setQuery({ [name]: value });
  };
  const total = states && Object.values(states).reduce((a, b) => a + b, 0);
  return (
    <div class="search" role="search" aria-label="Errors">
      <TextField
        type="search"
        label="Search in types and messages  ( / )"
        value={of('text')}
        onChange={set('text')}
      />
      <SelectField label="Service" value={of('service')} options={services} onChange={set('service')} />
      <span class="segmented" role="group" aria-label="State">
        {['', ...ERROR_STATES].map((state) => {
          const count = state === '' ? total : states?.[state];
          return (
            <button
              key={state}
              type="button"
              aria-pressed={of('state') === state}
              title={STATE_MEANINGS[state as keyof typeof STATE_MEANINGS]}
              onClick={() => {
                setQuery({ state });
              }}
            >
              {state === '' ? 'All' : nameState(state as keyof typeof STATE_MEANINGS)}
              {count !== undefined && ` ${formatExact(count)}`}
            </button>
          );
        })}
      </span>
    </div>
  );
}

function NoErrors({ place: { query, path } }: { readonly place: Place }) {
  const filtered = hasChoice(query) || FILTERS.some((name) => query.has(name));
  if (!filtered) return <p>No errors.</p>;
  return (
    <>
      <p>No errors match these filters.</p>
      <p class="buttons">
        <a class="button" href={addressOf(path, ALL_PROCESSES)}>
          Clear filters
        </a>
      </p>
    </>
  );
}

/** Errors of the time span and before, by service and fingerprint. */
function ErrorsView({ place }: { readonly place: Place }) {
  const filters = Object.fromEntries(FILTERS.map((name) => [name, place.query.get(name) ?? '']));
  const loaded = useSpanLoad(`errors|${JSON.stringify(filters)}`, place, (span, signal) =>
    errorsApi.get('errors', { ...span, ...filters }, signal),
  );
  return (
    <div class="stack-view">
      <h1 class="visually-hidden">Errors</h1>
      <ErrorSearch place={place} states={loaded.data?.states} />
      <WhenLoaded
        loaded={loaded}
        isEmpty={({ errors }) => errors.length === 0}
        empty={<NoErrors place={place} />}
      >
        {({ times, errors, states, coverage }) => {
          const matching = ERROR_STATES.filter((state) => ['', state].includes(filters.state ?? ''))
            .map((state) => states[state])
            .reduce((a, b) => a + b, 0);
          return (
            <>
              <Coverage of={coverage} />
              <ErrorList times={times} errors={errors} />
              {matching > errors.length && (
                <p class="hint">
                  The {formatExact(errors.length)} last seen of {formatExact(matching)}.
                </p>
              )}
            </>
          );
        }}
      </WhenLoaded>
    </div>
  );
}

export function View({ place }: { readonly place: Place }) {
  const [, service, fingerprint] = place.path;
  if (service === undefined || fingerprint === undefined) return <ErrorsView place={place} />;
  return <ErrorDetails service={service} fingerprint={fingerprint} place={place} />;
}
