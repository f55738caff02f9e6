import {
  OPERATION_KINDS,
  type OperationAnswer,
  type OperationKind,
} from '../../reader/answers/operations.interface.js';
import { clientOf } from '../../ui/client.js';
import { formatDuration, formatExact, formatTime, plural } from '../../ui/format.js';
import { SelectField } from '../../ui/parts/fields.js';
import { WhenLoaded } from '../../ui/parts/notice.js';
import { type Column, Table } from '../../ui/parts/table.js';
import { useSpanLoad } from '../../ui/parts/use-load.js';
import { useServices } from '../../ui/parts/use-services.js';
import { addressOf, type Place, setQuery, timeSpanOf } from '../../ui/state.js';
import type { OperationsApi } from './query.js';

const operationsApi = clientOf<OperationsApi>();

const KIND_NAMES: Readonly<Record<OperationKind, string>> = {
  request: 'Requests',
  message: 'Messages',
  job: 'Jobs',
  method: 'Methods',
  statement: 'Statements',
  call: 'Calls',
  send: 'Sent messages',
};

/** The name of operations beyond the bound of the store. */
const OTHER = '(other)';

/** The traces that have such a span. */
function tracesOf({ service, name, attribute }: OperationAnswer): string {
  const by = attribute === undefined ? { text: name } : { attribute: `${attribute.key}:${attribute.value}` };
  return addressOf(['traces'], { service, ...by });
}

/** @param total self time of all rows, in milliseconds */
const columnsOf = (total: number): readonly Column<OperationAnswer>[] => [
  {
    name: 'Operation',
    sortBy: ({ name }) => name,
    title: ({ name }) => name,
    class: () => 'operation-name',
    cell: (row) => (
      <>
        {row.name === OTHER ? row.name : <a href={tracesOf(row)}>{row.name}</a>}
        {row.target !== undefined && row.target !== '' && <span class="hint"> {row.target}</span>}
      </>
    ),
  },
  { name: 'Kind', sortBy: ({ kind }) => kind, cell: ({ kind }) => kind },
  { name: 'Service', sortBy: ({ service }) => service, cell: ({ service }) => service },
  {
    name: 'Self time',
    number: true,
    sortBy: ({ selfMs }) => selfMs,
    title: ({ selfMs }) => `${Math.round((selfMs / total) * 100)} % of the operations listed`,
    cell: ({ selfMs }) => formatDuration(selfMs),
  },
  {
    name: 'Count',
    number: true,
    sortBy: ({ count }) => count,
    cell: ({ count }) => formatExact(count),
  },
  {
    name: 'Errors',
    number: true,
    sortBy: ({ errors }) => errors,
    class: ({ errors }) => (errors > 0 ? 'bad' : ''),
    cell: ({ errors }) => formatExact(errors),
  },
  { name: 'p95', number: true, sortBy: ({ p95 }) => p95, cell: ({ p95 }) => formatDuration(p95) },
  {
    name: 'Per trace',
    number: true,
    sortBy: ({ perTrace }) => perTrace,
    cell: ({ perTrace }) => String(Math.round(perTrace * 10) / 10),
  },
];

/** What takes the time, added up over all traces of the time span. */
export function View({ place }: { readonly place: Place }) {
  const services = useServices(place);
  const service = place.query.get('service') ?? '';
  const kind = place.query.get('kind') ?? '';
  const loaded = useSpanLoad(`operations|${service}|${kind}`, place, (span, signal) =>
    operationsApi.get('operations', { ...span, service, kind }, signal),
  );
  return (
    <div class="stack-view">
      <h1 class="visually-hidden">Operations</h1>
      <div class="search" role="search" aria-label="Operations">
        <SelectField
          label="Service"
          value={service}
          options={services}
          onChange={(value) => {
            setQuery({ service: value });
          }}
        />
        <span class="segmented" role="group" aria-label="Kind">
          {(['', ...OPERATION_KINDS] as const).map((each) => (
            <button
              key={each}
              type="button"
              aria-pressed={kind === each}
              onClick={() => {
                setQuery({ kind: each });
              }}
            >
              {each === '' ? 'All' : KIND_NAMES[each]}
            </button>
          ))}
        </span>
      </div>
      <WhenLoaded
        loaded={loaded}
        isEmpty={({ operations }) => operations.length === 0}
        empty="No operations in this time span."
      >
        {({ operations, total, traces, spans, since, complete }) => (
          <>
            <p class="hint">
              {complete ? 'All traces' : `The newest ${plural(traces, 'trace')}`} since{' '}
              {formatTime(complete ? timeSpanOf(place.query).from : since, false)}, with{' '}
              {plural(spans, 'span')}
              {total > operations.length &&
                `; the first ${formatExact(operations.length)} of ${formatExact(total)} operations by self time`}
              . Self time: none of its children ran.
              {operations.some(({ name }) => name === OTHER) &&
                ` ${OTHER}: names beyond those that are added up by themselves.`}
            </p>
            <div class="card scroll-x" tabIndex={0} role="region" aria-label="Operations by self time">
              <Table
                class="operations"
                columns={columnsOf(
                  Math.max(
                    0.001,
                    operations.reduce((sum, { selfMs }) => sum + selfMs, 0),
                  ),
                )}
                rows={operations}
                keyOf={({ service: of, kind: as, name, target }) => JSON.stringify([of, as, name, target])}
                sortedBy="Self time"
              />
            </div>
          </>
        )}
      </WhenLoaded>
    </div>
  );
}
