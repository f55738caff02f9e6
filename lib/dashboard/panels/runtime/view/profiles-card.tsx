import { useState } from 'preact/hooks';

import { clientOf, request } from '../../../ui/client.js';
import {
  formatAge,
  formatBytes,
  formatDateTime,
  formatDuration,
  plural,
  shortId,
} from '../../../ui/format.js';
import { Card } from '../../../ui/parts/card.js';
import { WhenLoaded } from '../../../ui/parts/notice.js';
import { type Column, Table } from '../../../ui/parts/table.js';
import { useLoad } from '../../../ui/parts/use-load.js';
import { addressOf } from '../../../ui/state.js';
import type { ProfileAnswer, ProfilesAnswer, ProfilesApi } from '../../profiles/query.js';
import { DownloadProfile, save } from '../../profiles/view/download.js';

const profilesApi = clientOf<ProfilesApi>();

const REFRESH_MS = 2_000;

const COLUMNS: readonly Column<ProfileAnswer>[] = [
  {
    name: 'Recorded',
    title: ({ startedAt }) => formatDateTime(startedAt),
    cell: ({ id, startedAt }) => <a href={addressOf(['profile', id])}>{formatAge(startedAt)}</a>,
  },
  {
    name: 'Length',
    number: true,
    cell: ({ startedAt, endedAt }) => formatDuration(endedAt - startedAt),
  },
  { name: 'Samples', number: true, cell: ({ samples }) => samples },
  { name: 'By', cell: ({ by }) => by },
  { name: 'File', cell: ({ id }) => <DownloadProfile id={id} /> },
];

/** Sends what was asked for, and keeps the reason where it was refused. */
function useSend(done: () => void) {
  const [error, setError] = useState<string>();
  const [busy, setBusy] = useState(false);
  const send = async (work: () => Promise<unknown>): Promise<void> => {
    setBusy(true);
    try {
      await work();
      setError(undefined);
    } catch (failure) {
      setError(failure instanceof Error ? failure.message : String(failure));
    }
    setBusy(false);
    done();
  };
  return { error, busy, send };
}

type Send = (work: () => Promise<unknown>) => Promise<void>;

interface PartProps {
  readonly answer: ProfilesAnswer;
  readonly busy: boolean;
  readonly send: Send;
}

/** What names a process in the API; undefined for the one that serves the page. */
interface ProfiledProcess {
  readonly service: string;
  readonly instance: string;
}

function Recorder({
  answer: { seconds: limits, running, left },
  process,
  busy,
  send,
}: PartProps & { readonly process: ProfiledProcess | undefined }) {
  const [seconds, setSeconds] = useState(String(limits.default));
  if (running)
    return (
      <p class="buttons" role="status">
        Recording for {running.by}, about {formatDuration(Math.max(0, running.endsAt - Date.now()))} left.
        <button
          type="button"
          disabled={busy}
          onClick={() => void send(() => profilesApi.post('profiles/stop', JSON.stringify({ ...process })))}
        >
          Stop now
        </button>
      </p>
    );
  return (
    <form
      class="buttons"
      onSubmit={(event) => {
        event.preventDefault();
        void send(() =>
          profilesApi.post('profiles', JSON.stringify({ ...process, seconds: Number(seconds) })),
        );
      }}
    >
      <label class="labelled">
        <span>Seconds</span>
        <input
          class="field"
          type="number"
          min={limits.min}
          max={limits.max}
          required
          value={seconds}
          onInput={(event) => {
            setSeconds(event.currentTarget.value);
          }}
        />
      </label>
      <button type="submit" disabled={busy}>
        Profile {seconds} s
      </button>
      {left !== undefined && <span class="hint">{plural(left, 'recording')} left in this hour.</span>}
    </form>
  );
}

function HeapSnapshot({ answer: { heap, pid = 0 }, busy, send }: PartProps) {
  if (heap === undefined)
    return <p class="hint">Heap snapshots are taken of the process that serves the page only.</p>;
  const take = async (): Promise<void> => {
    const init = {
      method: 'POST',
      body: JSON.stringify({ confirm: true }),
      headers: { 'content-type': 'application/json' },
    };
    await save(await request('heap-snapshot', {}, init), `heap-${pid}.heapsnapshot`);
  };
  return (
    <details>
      <summary>Heap snapshot ({formatBytes(heap.used)} in use)</summary>
      <p>
        The process <b>stands still</b> while it is taken and needs up to twice its memory. The file contains{' '}
        <b>everything that is in memory</b>: passwords, tokens and data of users, without redaction.
      </p>
      <button type="button" disabled={busy || heap.used > heap.max} onClick={() => void send(take)}>
        Stop the process, take the snapshot and download it
      </button>
      {heap.used > heap.max && <p>Heaps above {formatBytes(heap.max)} are not taken from here.</p>}
    </details>
  );
}

/** Which process it is, and how it is asked. */
function whose({ own, pid, service, instance }: ProfilesAnswer): string {
  const name = [pid === undefined ? shortId(instance ?? '') : `pid ${pid}`, service]
    .filter(Boolean)
    .join(', ');
  return own
    ? `Of the process that serves this page (${name}); choose another one above.`
    : `Of ${name}: this page asks it through the store that both have open.`;
}

/** CPU profiles of a process, and heap snapshots of the one that serves the page, which is meant without `process`. */
export function ProfilesCard({ process }: { readonly process?: ProfiledProcess | undefined }) {
  const { service, instance } = process ?? {};
  const profiles = useLoad(
    `profiles|${service ?? ''}|${instance ?? ''}`,
    (signal) => profilesApi.get('profiles', { service, instance }, signal),
    { everyMs: REFRESH_MS },
  );
  const { error, busy, send } = useSend(profiles.reload);
  return (
    <Card title="Profiles">
      <WhenLoaded loaded={profiles}>
        {(answer) => (
          <>
            <div class="pad profiles">
              <p class="hint">
                {whose(answer)} While it records, V8 samples the stack every millisecond; reading the profile
                at the end blocks the event loop for some milliseconds.
              </p>
              {answer.refused === undefined ? (
                <>
                  <Recorder answer={answer} process={process} busy={busy} send={send} />
                  <HeapSnapshot answer={answer} busy={busy} send={send} />
                </>
              ) : (
                <p>{answer.refused}</p>
              )}
              {(error ?? answer.problem) !== undefined && (
                <p class="status-error" role="alert">
                  {error ?? answer.problem}
                </p>
              )}
            </div>
            {answer.profiles.length > 0 && (
              <div class="scroll-x">
                <Table columns={COLUMNS} rows={answer.profiles} keyOf={({ id }) => id} />
              </div>
            )}
          </>
        )}
      </WhenLoaded>
    </Card>
  );
}
