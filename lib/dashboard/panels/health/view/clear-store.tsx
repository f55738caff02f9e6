import { useLayoutEffect, useRef, useState } from 'preact/hooks';

import { clientOf } from '../../../ui/client.js';
import { useLoad } from '../../../ui/parts/use-load.js';
import { REFRESH_MS } from '../../../ui/state.js';
import type { OverviewApi } from '../../overview/query.js';
import type { HealthApi } from '../query.js';

const healthApi = clientOf<HealthApi>();
const overviewApi = clientOf<OverviewApi>();

/** The server refuses a service that has reported within a minute. */
const GONE_MS = 60_000;

/** Names of services that have not reported for a minute. */
function useGoneServices(): readonly string[] {
  const services = useLoad('services of health', (signal) => overviewApi.get('services', {}, signal), {
    everyMs: REFRESH_MS,
  });
  const before = Date.now() - GONE_MS;
  return (services.data ?? []).filter(({ lastSeen }) => lastSeen < before).map(({ name }) => name);
}

interface ConfirmProps {
  readonly question: string;
  readonly busy: boolean;
  readonly onAnswer: (yes: boolean) => void;
}

function Confirm({ question, busy, onAnswer }: ConfirmProps) {
  const no = useRef<HTMLButtonElement>(null);
  // Before the next key: it would go to what was pressed to ask.
  useLayoutEffect(() => no.current?.focus(), []);
  return (
    <div
      class="confirm"
      role="alertdialog"
      aria-label={question}
      onKeyDown={(event) => {
        if (event.key !== 'Escape') return;
        event.stopPropagation();
        onAnswer(false);
      }}
    >
      <p>{question}</p>
      <p class="buttons">
        <button
          ref={no}
          type="button"
          disabled={busy}
          onClick={() => {
            onAnswer(false);
          }}
        >
          Cancel
        </button>
        <button
          type="button"
          class="button-danger"
          disabled={busy}
          onClick={() => {
            onAnswer(true);
          }}
        >
          {busy ? 'Deleting…' : 'Delete'}
        </button>
      </p>
    </div>
  );
}

interface ClearStoreProps {
  /** Why nothing may be deleted. */
  readonly refused: string | undefined;
  readonly onCleared: () => void;
}

/** Deletes what is stored, after a question: everything, or all of a service that is gone. */
export function ClearStore({ refused, onCleared }: ClearStoreProps) {
  const gone = useGoneServices();
  const [chosen, setChosen] = useState('');
  // The service that was asked about, whatever has gone meanwhile; null: all.
  const [asked, setAsked] = useState<string | null>();
  const [busy, setBusy] = useState(false);
  const [said, setSaid] = useState<{ readonly text: string; readonly isError: boolean }>();
  const service = gone.includes(chosen) ? chosen : gone[0];
  if (refused !== undefined) return <p class="hint pad">{refused}</p>;
  const send = async (): Promise<void> => {
    const what = asked === null ? 'Everything' : `What was stored of ${asked ?? ''}`;
    setBusy(true);
    try {
      await healthApi.post(
        'store/clear',
        JSON.stringify(asked === null ? { all: true } : { service: asked }),
      );
      setSaid({ text: `${what} is deleted.`, isError: false });
    } catch (failure) {
      setSaid({ text: failure instanceof Error ? failure.message : String(failure), isError: true });
    }
    setBusy(false);
    setAsked(undefined);
    onCleared();
  };
  return (
    <div class="pad">
      <div class="buttons">
        <button
          type="button"
          onClick={() => {
            setAsked(null);
          }}
        >
          Clear everything…
        </button>
        {service !== undefined && (
          <>
            <select
              class="field"
              aria-label="Service that is gone"
              value={service}
              onChange={(event) => {
                setChosen(event.currentTarget.value);
                setAsked(undefined);
              }}
            >
              {gone.map((name) => (
                <option key={name}>{name}</option>
              ))}
            </select>
            <button
              type="button"
              onClick={() => {
                setAsked(service);
              }}
            >
              Clear this service…
            </button>
          </>
        )}
      </div>
      {asked !== undefined && (
        <Confirm
          key={asked}
          question={
            asked === null
              ? 'Delete all traces, log lines, metrics and errors of all services? They cannot be brought back.'
              : `Delete all traces, log lines, metrics and errors of ${asked}? They cannot be brought back.`
          }
          busy={busy}
          onAnswer={(yes) => {
            if (yes) void send();
            else setAsked(undefined);
          }}
        />
      )}
      <p role="status" class={said?.isError === true ? 'status-error' : 'hint'}>
        {said?.text ??
          'Services that have not reported for a minute can be cleared by themselves. Each deletion is logged with your address.'}
      </p>
    </div>
  );
}
