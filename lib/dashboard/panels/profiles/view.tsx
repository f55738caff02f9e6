import { useMemo, useState } from 'preact/hooks';

import { ApiFailure, clientOf } from '../../ui/client.js';
import { formatCount, formatDateTime, formatDuration, formatShare, plural } from '../../ui/format.js';
import { FlameTree, useFlame } from '../../ui/parts/flame-tree.js';
import { Notice, WhenLoaded } from '../../ui/parts/notice.js';
import { attributesOfSource, sourceOf } from '../../ui/parts/source-link.js';
import { type Column, Table } from '../../ui/parts/table.js';
import { useEditor } from '../../ui/parts/use-editor.js';
import { useLoad } from '../../ui/parts/use-load.js';
import { addressOf, type Place } from '../../ui/state.js';
import type { FlameAnswer, ProfilesApi } from './query.js';
import { buildFrames, type CpuFunction, type CpuTreeFrame, sumFunctions } from './view/build-frames.js';
import { DownloadProfile } from './view/download.js';

const profilesApi = clientOf<ProfilesApi>();

const MOST_ROWS = 200;

const describe = ({ name, place, totalMs, selfMs }: CpuTreeFrame): string =>
  [
    [name, place].filter(Boolean).join(' '),
    `${formatDuration(totalMs)} with what it called, ${formatDuration(selfMs)} in itself`,
  ].join(' · ');

/** Whose the samples of a stretch of time are. */
function whoseSamples({ others }: FlameAnswer): string | undefined {
  if (others === undefined) return undefined;
  if (others === 0)
    return 'No other stored trace of this service ran at this time: these are the samples of this request, and of what the process did beside it.';
  return `${plural(others, 'other stored trace')} of this service ran at this time: these are the samples of the process during this request, not of it alone.`;
}

function Functions({
  roots,
  busyMs,
  onFrame,
}: {
  readonly roots: readonly CpuTreeFrame[];
  readonly busyMs: number;
  readonly onFrame: (frame: CpuTreeFrame) => void;
}) {
  const functions = useMemo(() => sumFunctions(roots), [roots]);
  const columns: readonly Column<CpuFunction>[] = [
    {
      name: 'Function',
      title: ({ name }) => name,
      cell: ({ name, widest }) => (
        <button
          type="button"
          class="link"
          onClick={() => {
            onFrame(widest);
          }}
        >
          {name}
        </button>
      ),
    },
    { name: 'Place', class: () => 'code', cell: ({ place = '–' }) => place },
    {
      name: 'Self',
      number: true,
      sortBy: ({ selfMs }) => selfMs,
      cell: ({ selfMs }) => formatDuration(selfMs),
    },
    {
      name: 'Share',
      number: true,
      sortBy: ({ selfMs }) => selfMs,
      cell: ({ selfMs }) => formatShare(selfMs / Math.max(busyMs, 0.001)),
    },
    {
      name: 'With calls',
      number: true,
      sortBy: ({ totalMs }) => totalMs,
      cell: ({ totalMs }) => formatDuration(totalMs),
    },
  ];
  return (
    <div class="flame-table scroll-x">
      <Table columns={columns} rows={functions.slice(0, MOST_ROWS)} keyOf={({ id }) => id} sortedBy="Self" />
      {functions.length > MOST_ROWS && (
        <p class="hint">
          The {MOST_ROWS} with most self time of {formatCount(functions.length)}.
        </p>
      )}
    </div>
  );
}

function Frames({ answer }: { readonly answer: FlameAnswer }) {
  const [folds, setFolds] = useState(true);
  const [asTable, setAsTable] = useState(false);
  const roots = useMemo(() => buildFrames(answer.frames, folds), [answer, folds]);
  const flame = useFlame(roots);
  const editor = useEditor();
  const { active } = flame;
  const source = active?.source && sourceOf(attributesOfSource(active.source), editor);
  return (
    <section class="flame cpu" aria-label="Flame graph of the CPU" style={{ '--rows': flame.rows }}>
      <div class="waterfall-tools">
        <button
          type="button"
          aria-pressed={asTable}
          onClick={() => {
            setAsTable(!asTable);
          }}
        >
          Table
        </button>
        <button
          type="button"
          aria-pressed={folds}
          onClick={() => {
            setFolds(!folds);
          }}
        >
          Fold libraries
        </button>
        {!asTable && (
          <button type="button" disabled={!active} title="Key: z" onClick={flame.toggleZoom}>
            {flame.zoomed ? 'Whole profile' : 'Zoom to frame'}
          </button>
        )}
        <span class="hint">Callers above, each as wide as its time and that of what it called.</span>
      </div>
      {asTable ? (
        <Functions roots={roots} busyMs={answer.busyMs} onFrame={flame.goTo} />
      ) : (
        <FlameTree
          flame={flame}
          label="Functions of the profile"
          describe={describe}
          textOf={({ name }) => name}
          classOf={({ origin }) => `cpu-${origin}`}
        />
      )}
      {active && (
        <p class="pad">
          {describe(active)} {source?.href !== undefined && <a href={source.href}>open in editor</a>}
        </p>
      )}
      {answer.leftOut > 0 && (
        <p class="hint pad">{formatCount(answer.leftOut)} small frames are part of their callers.</p>
      )}
    </section>
  );
}

/** Where the CPU time of a profile, or of a part of it, went. */
export function View({ place: { path, query } }: { readonly place: Place }) {
  const [, id = ''] = path;
  const [from, to] = [query.get('at') ?? undefined, query.get('until') ?? undefined];
  const traceId = query.get('traceId') ?? undefined;
  const loaded = useLoad(`profile|${id}|${from ?? ''}|${to ?? ''}`, (signal) =>
    profilesApi.get('profiles/:id', { id, from, to, traceId }, signal),
  );
  if (loaded.error instanceof ApiFailure && loaded.error.status === 404)
    return (
      <Notice>
        This profile is gone: the last four of a process are kept, as long as it runs; those of other
        processes for an hour.
      </Notice>
    );
  return (
    <div class="stack-view">
      <WhenLoaded loaded={loaded}>
        {(answer) => (
          <section class="card" aria-label="CPU profile">
            <header>
              <h1>CPU profile</h1>
              <span class="hint">
                {formatDateTime(answer.profile.startedAt)} · {plural(answer.samples, 'sample')} ·{' '}
                {formatDuration(answer.busyMs)} busy, {formatDuration(answer.idleMs)} idle
              </span>
              <div class="buttons">
                {from !== undefined && (
                  <a class="button" href={addressOf(['profile', id])}>
                    Whole profile
                  </a>
                )}
                <DownloadProfile id={id} />
                <a class="button" href={addressOf(['runtime'])}>
                  To the runtime
                </a>
              </div>
            </header>
            {whoseSamples(answer) !== undefined && <p class="pad">{whoseSamples(answer)}</p>}
            {answer.frames.length === 0 ? (
              <Notice>No sample of this time was busy: the process waited.</Notice>
            ) : (
              <Frames answer={answer} />
            )}
          </section>
        )}
      </WhenLoaded>
    </div>
  );
}
