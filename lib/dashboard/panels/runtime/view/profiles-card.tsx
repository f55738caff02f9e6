import { useState } from 'preact/hooks';

import { clientOf, request } from '../../../ui/client.js';
import { formatAge, formatBytes, formatDateTime, formatDuration, plural } from '../../../ui/format.js';
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

function Recorder({ answer: { seconds: limits, running, left }, busy, send }: PartProps) {
  const [seconds, setSeconds] = useState(String(limits.default));
  if (running)
    return (
      <p class="buttons" role="status">
        Recording for {running.by}, about {formatDuration(Math.max(0, running.endsAt - Date.now()))} left.
        <button
          type="button"
          disabled={busy}
          onClick={() => void send(() => profilesApi.post('profiles/stop', '{}'))}
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
        void send(() => profilesApi.post('profiles', JSON.stringify({ seconds: Number(seconds) })));
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
      <span class="hint">{plural(left, 'recording')} left in this hour.</span>
    </form>
  );
}

function HeapSnapshot({ answer: { heap, pid }, busy, send }: PartProps) {
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

/** CPU profiles and heap snapshots of the process that serves the page. */
export function ProfilesCard() {
  const profiles = useLoad('profiles', (signal) => profilesApi.get('profiles', {}, signal), {
    everyMs: REFRESH_MS,
  });
  const { error, busy, send } = useSend(profiles.reload);
  return (
    <Card title="Profiles">
      <WhenLoaded loaded={profiles}>
        {(answer) => (
          <>
            <div class="pad profiles">
              <p class="hint">
                Of the process that serves this page (pid {answer.pid}
                {answer.service === undefined ? '' : `, ${answer.service}`}); others are profiled from their
                own page. While it records, V8 samples the stack every millisecond; reading the profile at the
                end blocks the event loop for some milliseconds.
              </p>
              {answer.refused === undefined ? (
                <>
                  <Recorder answer={answer} busy={busy} send={send} />
                  <HeapSnapshot answer={answer} busy={busy} send={send} />
                </>
              ) : (
                <p>{answer.refused}</p>
              )}
              {error !== undefined && (
                <p class="status-error" role="alert">
                  {error}
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
