import type { ProcessExporterAnswer } from '../../../reader/answers/processes.interface.js';
import { formatAge, formatCount } from '../../../ui/format.js';
import { type Column, Table } from '../../../ui/parts/table.js';

/** Of this process, or of another one, which knows more of some. */
type Exporter = Omit<ProcessExporterAnswer, 'signal' | 'lostBy'> & {
  readonly signal: string;
  readonly lostBy?: ProcessExporterAnswer['lostBy'];
};

function counted(name: string, countOf: (exporter: Exporter) => number, isBad: boolean): Column<Exporter> {
  return {
    name,
    number: true,
    class: (exporter) => (isBad && countOf(exporter) > 0 ? 'bad' : ''),
    cell: (exporter) => formatCount(countOf(exporter)),
  };
}

const reasonsOf = ({ lostBy = {} }: Exporter): string =>
  Object.entries(lostBy)
    .map(([reason, count]) => `${reason} ${formatCount(count)}`)
    .join(', ');

const COLUMNS: readonly Column<Exporter>[] = [
  { name: 'Signal', class: () => 'one-line', cell: ({ signal }) => signal },
  { name: 'Exporter', cell: ({ name }) => name },
  { name: 'Endpoint', class: () => 'code', cell: ({ endpoint }) => endpoint },
  counted('Exported', ({ exported }) => exported, false),
  counted('Failed', ({ failed }) => failed, true),
  counted('Dropped', ({ dropped }) => dropped, true),
  { name: 'Last success', number: true, cell: ({ lastSuccess }) => formatAge(lastSuccess) },
  {
    name: 'Last error',
    cell: ({ lastError, failingSince }) =>
      lastError ? (
        <>
          <span class="bad">{lastError.message}</span> <span class="hint">{formatAge(lastError.at)}</span>
          {failingSince !== undefined && <span class="bad"> · fails since {formatAge(failingSince)}</span>}
        </>
      ) : (
        '–'
      ),
  },
];

/** What only the report of a process has. */
const MORE_COLUMNS: readonly Column<Exporter>[] = [
  { name: 'Lost by', cell: (exporter) => reasonsOf(exporter) || '–' },
  {
    name: 'Queue',
    number: true,
    cell: ({ queued, queueCapacity }) =>
      queued === undefined
        ? '–'
        : `${formatCount(queued)}${queueCapacity === undefined ? '' : ` of ${formatCount(queueCapacity)}`}`,
  },
];

interface ExportersProps {
  readonly exporters: readonly Exporter[];
  /** Of another process. */
  readonly reported?: boolean;
}

export function Exporters({ exporters, reported = false }: ExportersProps) {
  if (exporters.length === 0)
    return (
      <p class="hint pad">
        None: what is recorded stays in the store of this page and in the metrics endpoint.
      </p>
    );
  return (
    <div class="scroll-x">
      <Table
        columns={reported ? [...COLUMNS.slice(0, 6), ...MORE_COLUMNS, ...COLUMNS.slice(6)] : COLUMNS}
        rows={exporters}
        keyOf={({ signal, name, endpoint }) => `${signal} ${name} ${endpoint}`}
      />
    </div>
  );
}
