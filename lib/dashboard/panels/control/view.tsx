import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';

import { clientOf } from '../../ui/client.js';
import { formatDateTime, formatTime, plural } from '../../ui/format.js';
import { WhenLoaded } from '../../ui/parts/notice.js';
import { type Column, Table } from '../../ui/parts/table.js';
import { useLoad } from '../../ui/parts/use-load.js';
import { REFRESH_MS } from '../../ui/state.js';
import type { ControlAnswer, ControlApi } from './query.js';

const controlApi = clientOf<ControlApi>();

type Change = ControlAnswer['changes'][number];
type Kind = Change['kind'];

const KINDS: readonly (readonly [kind: Kind, text: string])[] = [
  ['log-level', 'Log level'],
  ['sampling-ratio', 'Sampling ratio'],
  ['provider-spans', 'Spans of a provider'],
];

function describe({ kind, target, value }: Change): string {
  if (kind === 'sampling-ratio') return `Sampling ratio ${value ?? ''}`;
  if (kind === 'provider-spans') return `Spans of ${target ?? ''}`;
  return `Log level ${value ?? ''} for ${target ?? 'all contexts'}`;
}

function minutesLeft({ endsAt }: Change, now = Date.now()): string {
  return endsAt - now < 60_000 ? 'less than a minute' : plural(Math.round((endsAt - now) / 60_000), 'minute');
}

/** Sends what was asked for, and keeps the reason where it was refused. */
function useSend(done: () => void) {
  const [error, setError] = useState<string>();
  const [busy, setBusy] = useState(false);
  const send = async (path: 'control/changes' | 'control/cancel', body: object): Promise<void> => {
    setBusy(true);
    try {
      await controlApi.post(path, JSON.stringify(body));
      setError(undefined);
    } catch (failure) {
      setError(failure instanceof Error ? failure.message : String(failure));
    }
    setBusy(false);
    done();
  };
  return { error, busy, send };
}

function Labelled({ label, children }: { readonly label: string; readonly children: ComponentChildren }) {
  return (
    <label class="labelled">
      <span>{label}</span>
      {children}
    </label>
  );
}

interface FormProps {
  readonly answer: ControlAnswer;
  readonly busy: boolean;
  readonly begin: (body: object) => void;
}

function ChangeForm({ answer: { levels, samplingRatio, providers, minutes }, busy, begin }: FormProps) {
  const [kind, setKind] = useState<Kind>('log-level');
  const [target, setTarget] = useState('');
  const [level, setLevel] = useState('debug');
  const [ratio, setRatio] = useState('1');
  const [time, setTime] = useState(String(minutes.default));
  const named = kind === 'provider-spans' ? 'Class of the provider' : 'Context (empty: all)';
  const submit = (event: Event): void => {
    event.preventDefault();
    begin({
      kind,
      ...(kind !== 'sampling-ratio' && target.trim() !== '' && { target: target.trim() }),
      ...(kind === 'log-level' && { value: level }),
      ...(kind === 'sampling-ratio' && { value: Number(ratio) }),
      minutes: Number(time),
    });
  };
  return (
    <form class="buttons control-form" onSubmit={submit}>
      <Labelled label="Change">
        <select
          class="field"
          value={kind}
          onChange={(event) => {
            setKind(event.currentTarget.value as Kind);
          }}
        >
          {KINDS.map(([each, text]) => (
            <option
              key={each}
              value={each}
              disabled={each === 'sampling-ratio' && samplingRatio === undefined}
            >
              {text}
            </option>
          ))}
        </select>
      </Labelled>
      {kind !== 'sampling-ratio' && (
        <Labelled label={named}>
          <input
            class="field"
            value={target}
            required={kind === 'provider-spans'}
            maxLength={200}
            list="control-providers"
            spellcheck={false}
            autocomplete="off"
            onInput={(event) => {
              setTarget(event.currentTarget.value);
            }}
          />
          <datalist id="control-providers">
            {providers.map((name) => (
              <option key={name} value={name} />
            ))}
          </datalist>
        </Labelled>
      )}
      {kind === 'log-level' && (
        <Labelled label="Level">
          <select
            class="field"
            value={level}
            onChange={(event) => {
              setLevel(event.currentTarget.value);
            }}
          >
            {levels.map((each) => (
              <option key={each}>{each}</option>
            ))}
          </select>
        </Labelled>
      )}
      {kind === 'sampling-ratio' && (
        <Labelled label={`Share of new traces (now ${samplingRatio ?? '–'})`}>
          <input
            class="field"
            type="number"
            min={0}
            max={1}
            step="any"
            required
            value={ratio}
            onInput={(event) => {
              setRatio(event.currentTarget.value);
            }}
          />
        </Labelled>
      )}
      <Labelled label="Minutes">
        <input
          class="field"
          type="number"
          min={1}
          max={minutes.max}
          required
          value={time}
          onInput={(event) => {
            setTime(event.currentTarget.value);
          }}
        />
      </Labelled>
      <button type="submit" disabled={busy}>
        Change
      </button>
    </form>
  );
}

function ActiveChanges({
  answer,
  cancel,
}: {
  readonly answer: ControlAnswer;
  readonly cancel: (id: string) => void;
}) {
  if (answer.changes.length === 0) return <p class="hint pad">None.</p>;
  const columns: readonly Column<Change>[] = [
    { name: 'Change', cell: describe },
    { name: 'By', cell: ({ by }) => by },
    { name: 'Since', cell: ({ startedAt }) => formatTime(startedAt, false) },
    { name: 'Ends in', title: ({ endsAt }) => formatDateTime(endsAt), cell: (change) => minutesLeft(change) },
    {
      name: 'End',
      cell: (change) =>
        answer.refused === undefined && (
          <button
            type="button"
            aria-label={`Cancel ${describe(change)}`}
            onClick={() => {
              cancel(change.id);
            }}
          >
            Cancel
          </button>
        ),
    },
  ];
  return (
    <div class="scroll-x">
      <Table columns={columns} rows={answer.changes} keyOf={({ id }) => id} />
    </div>
  );
}

/** Changes telemetry of the process that serves the page, for a time. */
export function View() {
  const control = useLoad('control', (signal) => controlApi.get('control', {}, signal), {
    everyMs: REFRESH_MS,
  });
  const { error, busy, send } = useSend(control.reload);
  return (
    <WhenLoaded loaded={control}>
      {(answer) => (
        <div class="stack-view">
          <h1 class="visually-hidden">Control of telemetry</h1>
          <section class="card" aria-label="Change telemetry for a time">
            <header>
              <h2>Change telemetry for a time</h2>
            </header>
            <div class="pad">
              <p class="hint">
                Only in the process that serves this page (pid {answer.pid}); other processes stay as they
                are. Each change is logged with your address, ends by itself, and ends when telemetry stops.
              </p>
              {answer.refused === undefined ? (
                <ChangeForm
                  answer={answer}
                  busy={busy}
                  begin={(body) => {
                    void send('control/changes', body);
                  }}
                />
              ) : (
                <p>{answer.refused}</p>
              )}
              {error !== undefined && (
                <p class="status-error" role="alert">
                  {error}
                </p>
              )}
            </div>
          </section>
          <section class="card" aria-label="Active changes">
            <header>
              <h2>Active changes</h2>
            </header>
            <ActiveChanges
              answer={answer}
              cancel={(id) => {
                void send('control/cancel', { id });
              }}
            />
          </section>
        </div>
      )}
    </WhenLoaded>
  );
}
