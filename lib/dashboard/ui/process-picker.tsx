import { useState } from 'preact/hooks';

import type { RuntimeApi } from '../panels/runtime/query.js';
import { clientOf } from './client.js';
import { SelectField } from './parts/fields.js';
import { Failure } from './parts/notice.js';
import { useSpanLoad } from './parts/use-load.js';
import { ALL_PROCESSES, hasChoice, PROCESS_NAMES } from './process-choice.js';
import { type Place, setQuery } from './state.js';

const runtimeApi = clientOf<RuntimeApi>();

/** Each with its label, and the list that has its values. */
const PARTS = {
  version: ['Version', 'versions'],
  environment: ['Environment', 'environments'],
  process: ['Instance', 'processes'],
} as const;

function Choices({ place: { query }, place }: { readonly place: Place }) {
  const service = query.get('service') ?? '';
  const { data, error, reload } = useSpanLoad(`process-values|${service}`, place, ({ from, to }, signal) =>
    runtimeApi.get('processes/values', { from, to, service }, signal),
  );
  return (
    <div class="card picker">
      {PROCESS_NAMES.map((name) => (
        <SelectField
          key={name}
          label={PARTS[name][0]}
          value={query.get(name) ?? ''}
          options={data?.[PARTS[name][1]] ?? []}
          onChange={(value) => {
            setQuery({ [name]: value });
          }}
        />
      ))}
      {error && <Failure error={error} retry={reload} />}
      {hasChoice(query) && (
        <button
          type="button"
          onClick={() => {
            setQuery(ALL_PROCESSES);
          }}
        >
          All processes
        </button>
      )}
    </div>
  );
}

/** Of which version, environment and instance everything is shown. */
export function ProcessPicker({ place }: { readonly place: Place }) {
  const [isOpen, setOpen] = useState(false);
  const chosen = PROCESS_NAMES.map((name) => place.query.get(name)).filter(Boolean);
  return (
    <details
      class="range-picker"
      onToggle={(event) => {
        setOpen(event.currentTarget.open);
      }}
    >
      <summary
        class={chosen.length > 0 ? 'chosen' : ''}
        title="Show one version, environment or instance of the services"
      >
        {chosen.join(' · ') || 'All processes'}
      </summary>
      {isOpen && <Choices place={place} />}
    </details>
  );
}
