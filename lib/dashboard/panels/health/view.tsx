import { clientOf } from '../../ui/client.js';
import { formatAge, formatBytes, formatCount, formatDateTime } from '../../ui/format.js';
import { Card } from '../../ui/parts/card.js';
import { Figures } from '../../ui/parts/figures.js';
import { WhenLoaded } from '../../ui/parts/notice.js';
import { type Column, Table } from '../../ui/parts/table.js';
import { useLoad } from '../../ui/parts/use-load.js';
import { REFRESH_MS } from '../../ui/state.js';
import type { HealthAnswer, HealthApi } from './query.js';
import { ClearStore } from './view/clear-store.js';

const healthApi = clientOf<HealthApi>();

type Exporter = HealthAnswer['exporters'][number];

function counted(name: string, countOf: (exporter: Exporter) => number, isBad: boolean): Column<Exporter> {
  return {
    name,
    number: true,
    class: (exporter) => (isBad && countOf(exporter) > 0 ? 'bad' : ''),
    cell: (exporter) => formatCount(countOf(exporter)),
  };
}

const EXPORTER_COLUMNS: readonly Column<Exporter>[] = [
  { name: 'Signal', cell: ({ signal }) => signal },
  { name: 'Exporter', cell: ({ name }) => name },
  { name: 'Endpoint', class: () => 'code', cell: ({ endpoint }) => endpoint },
  counted('Exported', ({ exported }) => exported, false),
  counted('Failed', ({ failed }) => failed, true),
  counted('Dropped', ({ dropped }) => dropped, true),
  { name: 'Last success', number: true, cell: ({ lastSuccess }) => formatAge(lastSuccess) },
  {
    name: 'Last error',
    cell: ({ lastError }) =>
      lastError ? (
        <>
          <span class="bad">{lastError.message}</span> <span class="hint">{formatAge(lastError.at)}</span>
        </>
      ) : (
        '–'
      ),
  },
];

function Exporters({ exporters }: Pick<HealthAnswer, 'exporters'>) {
  if (exporters.length === 0)
    return (
      <p class="hint pad">
        None: what is recorded stays in the store of this page and in the metrics endpoint.
      </p>
    );
  return (
    <div class="scroll-x">
      <Table
        columns={EXPORTER_COLUMNS}
        rows={exporters}
        keyOf={({ signal, name, endpoint }) => `${signal} ${name} ${endpoint}`}
      />
    </div>
  );
}

function Store({ store }: Pick<HealthAnswer, 'store'>) {
  const { file, bytes, maxBytes, queued, dropped = 0, evicted } = store;
  const count = (value: number | undefined) => (value === undefined ? undefined : formatCount(value));
  return (
    <div class="pad">
      {file !== undefined && <p class="code">{file}</p>}
      <p>
        {maxBytes !== undefined && <progress max={maxBytes} value={bytes} aria-label="Space used" />}{' '}
        {formatBytes(bytes)}
        {maxBytes !== undefined && ` of ${formatBytes(maxBytes)}`}
      </p>
      <Figures
        class="figures figures-left"
        of={[
          ['Spans', formatCount(store.spans)],
          ['Logs', formatCount(store.logs)],
          ['Metric points', formatCount(store.points)],
          ['Queued', count(queued)],
          ['Dropped', count(store.dropped), dropped > 0 ? 'bad' : ''],
          ['Evicted', count(evicted)],
          ['Oldest', formatAge(store.oldest)],
        ]}
      />
    </div>
  );
}

function Warnings({ warnings }: Pick<HealthAnswer, 'warnings'>) {
  if (warnings.length === 0) return <p class="hint pad">None.</p>;
  return (
    <ul class="warnings">
      {warnings.map(({ message, at, count }) => (
        <li key={`${at}${message}`}>
          <span>{message}</span>
          <span class="hint" title={formatDateTime(at)}>
            {formatAge(at)}
            {count > 1 ? `, ${formatCount(count)} times` : ''}
          </span>
        </li>
      ))}
    </ul>
  );
}

/** How telemetry itself is doing. */
export function View() {
  const health = useLoad('health', (signal) => healthApi.get('health', {}, signal), { everyMs: REFRESH_MS });
  return (
    <WhenLoaded loaded={health}>
      {({ exporters, store, instrumentations, libraries, sampling, warnings, clearRefused }) => (
        <div class="stack-view">
          <h1 class="visually-hidden">Health of telemetry</h1>
          <Card title="Exporters">
            <Exporters exporters={exporters} />
          </Card>
          <Card title="Store">
            <Store store={store} />
            <ClearStore refused={clearRefused} onCleared={health.reload} />
          </Card>
          {sampling && (
            <Card title="Sampling">
              <Figures
                class="figures figures-left pad"
                of={Object.entries(sampling).map(([name, count]) => [name, formatCount(count)])}
              />
            </Card>
          )}
          <Card title="Warnings">
            <Warnings warnings={warnings} />
          </Card>
          <Card title="Active instrumentations">
            <ul class="names">
              {instrumentations.map((name) => (
                <li key={name} class="code">
                  {name}
                </li>
              ))}
            </ul>
          </Card>
          {libraries.length > 0 && (
            <Card title="Client libraries">
              <ul class="names">
                {libraries.map(({ name, version = '', recorded, reason = '' }) => (
                  <li key={`${name}@${version}`}>
                    <span class="code">
                      {name} {version}
                    </span>{' '}
                    {recorded ? 'recorded' : `not recorded: ${reason}`}
                  </li>
                ))}
              </ul>
            </Card>
          )}
          <p class="hint">
            <a href="licenses.txt">Open-source licences</a>
          </p>
        </div>
      )}
    </WhenLoaded>
  );
}
