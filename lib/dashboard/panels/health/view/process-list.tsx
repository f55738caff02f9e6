import { useState } from 'preact/hooks';

import { formatAge, formatCount, formatDateTime, shortId } from '../../../ui/format.js';
import { Card } from '../../../ui/parts/card.js';
import { Figures } from '../../../ui/parts/figures.js';
import { type Column, Table } from '../../../ui/parts/table.js';
import { type Place, setQuery } from '../../../ui/state.js';
import type { JudgedProcess } from '../query.js';
import { Exporters } from './exporter-table.js';
import { Libraries } from './libraries.js';
import { nameTroubles, toneOf } from './name-troubles.js';
import { Warnings } from './warnings.js';

/** The part of the address that has the chosen process. `process` is the filter of all views. */
const CHOSEN = 'details';

const keyOf = ({ service, instance, pid, started }: JudgedProcess): string =>
  [service, instance, pid, started].join(' ');

const placeOf = ({ pid, host, instance }: JudgedProcess): string =>
  [pid === undefined ? shortId(instance) : `pid ${pid}`, host].filter(Boolean).join(' · ');

const sum = (
  { exporters }: JudgedProcess,
  countOf: (exporter: JudgedProcess['exporters'][number]) => number,
): number => exporters.reduce((total, exporter) => total + countOf(exporter), 0);

const lostOf = (process: JudgedProcess): number =>
  sum(process, ({ failed, dropped }) => failed + dropped) + (process.store?.dropped ?? 0);

const COLUMNS: readonly Column<JudgedProcess>[] = [
  {
    name: 'Service',
    class: () => 'one-line',
    cell: (process) => (
      <button
        type="button"
        class="link"
        onClick={() => {
          setQuery({ [CHOSEN]: keyOf(process) });
        }}
      >
        {process.service}
      </button>
    ),
  },
  { name: 'Version', cell: ({ version }) => version },
  {
    name: 'Process',
    title: ({ instance }) => instance,
    cell: (process) => `${placeOf(process)}${process.answers ? ' (this page)' : ''}`,
  },
  {
    name: 'Started',
    number: true,
    title: ({ started }) => formatDateTime(started),
    cell: ({ started }) => formatAge(started),
  },
  {
    name: 'Last seen',
    number: true,
    title: ({ lastSeen }) => formatDateTime(lastSeen),
    cell: ({ lastSeen }) => formatAge(lastSeen),
  },
  { name: 'State', class: toneOf, cell: nameTroubles },
  {
    name: 'Exported',
    number: true,
    cell: (process) => formatCount(sum(process, ({ exported }) => exported)),
  },
  {
    name: 'Lost',
    number: true,
    class: (process) => (lostOf(process) > 0 ? 'bad' : ''),
    cell: (process) => formatCount(lostOf(process)),
  },
  {
    name: 'Queued',
    number: true,
    cell: (process) => formatCount(sum(process, ({ queued = 0 }) => queued) + (process.store?.queued ?? 0)),
  },
];

function ProcessDetails({ process }: { readonly process: JudgedProcess }) {
  const { service, version, exporters, store, warnings, notRecorded } = process;
  return (
    <Card title={`${service} ${version} · ${placeOf(process)}`}>
      <Exporters exporters={exporters} reported />
      {store && (
        <Figures
          class="figures figures-left pad"
          of={[
            ['Store lost', formatCount(store.dropped), store.dropped > 0 ? 'bad' : ''],
            ['Store queue', formatCount(store.queued)],
            ['Warnings', warnings && formatCount(warnings.count)],
          ]}
        />
      )}
      {warnings && <Warnings warnings={warnings.latest} />}
      {notRecorded && notRecorded.length > 0 && <Libraries libraries={notRecorded} />}
      {warnings === undefined && (
        <p class="hint pad">
          Known from the metrics that the process sends: errors, warnings and libraries are not among them.
        </p>
      )}
      <p class="pad">
        <button
          type="button"
          onClick={() => {
            setQuery({ [CHOSEN]: undefined });
          }}
        >
          Close
        </button>
      </p>
    </Card>
  );
}

interface ProcessListProps {
  readonly processes: readonly JudgedProcess[];
  readonly place: Place;
}

/** Processes that report, the worst first, and the chosen one in full. */
export function ProcessList({ processes, place }: ProcessListProps) {
  const [all, setAll] = useState(false);
  const key = place.query.get(CHOSEN);
  const chosen = processes.find((process) => keyOf(process) === key);
  const ended = processes.filter(({ state }) => state === 'ended').length;
  return (
    <>
      <Card title="Processes">
        <div class="scroll-x">
          <Table
            columns={COLUMNS}
            rows={all ? processes : processes.filter(({ state }) => state !== 'ended')}
            keyOf={keyOf}
            most={50}
          />
        </div>
        {ended > 0 && (
          <label class="pad">
            <input
              type="checkbox"
              checked={all}
              onChange={() => {
                setAll(!all);
              }}
            />{' '}
            Also the {formatCount(ended)} that ended in the last 24 hours
          </label>
        )}
      </Card>
      {chosen && <ProcessDetails process={chosen} />}
    </>
  );
}
