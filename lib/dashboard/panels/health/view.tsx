import type { ComponentChildren } from 'preact';

import { clientOf } from '../../ui/client.js';
import { formatAge, formatBytes, formatCount, formatDateTime } from '../../ui/format.js';
import type { PanelView } from '../../ui/panel-view.js';
import { WhenLoaded } from '../../ui/parts/notice.js';
import { useLoad } from '../../ui/parts/use-load.js';
import { REFRESH_MS } from '../../ui/state.js';
import type { HealthAnswer, HealthApi } from './query.js';

const healthApi = clientOf<HealthApi>();

function Card({ title, children }: { readonly title: string; readonly children: ComponentChildren }) {
  return (
    <section class="card" aria-label={title}>
      <header>
        <h2>{title}</h2>
      </header>
      {children}
    </section>
  );
}

function Exporters({ exporters }: Pick<HealthAnswer, 'exporters'>) {
  if (exporters.length === 0) {
    return (
      <p class="hint pad">
        None: what is recorded stays in the store of this page and in the metrics endpoint.
      </p>
    );
  }
  return (
    <div class="scroll-x">
      <table class="grid">
        <thead>
          <tr>
            {['Signal', 'Exporter', 'Endpoint'].map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
            {['Exported', 'Failed', 'Dropped', 'Last success'].map((name) => (
              <th key={name} scope="col" class="number">
                {name}
              </th>
            ))}
            <th scope="col">Last error</th>
          </tr>
        </thead>
        <tbody>
          {exporters.map((exporter) => (
            <tr key={`${exporter.signal} ${exporter.name} ${exporter.endpoint}`}>
              <td>{exporter.signal}</td>
              <td>{exporter.name}</td>
              <td class="code">{exporter.endpoint}</td>
              <td class="number">{formatCount(exporter.exported)}</td>
              <td class={exporter.failed > 0 ? 'number bad' : 'number'}>{formatCount(exporter.failed)}</td>
              <td class={exporter.dropped > 0 ? 'number bad' : 'number'}>{formatCount(exporter.dropped)}</td>
              <td class="number">{formatAge(exporter.lastSuccess)}</td>
              <td>
                {exporter.lastError ? (
                  <>
                    <span class="bad">{exporter.lastError.message}</span>{' '}
                    <span class="hint">{formatAge(exporter.lastError.at)}</span>
                  </>
                ) : (
                  '–'
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

type Fact = readonly [label: string, value: string | undefined, bad?: boolean];

function Store({ store }: Pick<HealthAnswer, 'store'>) {
  const { file, bytes, maxBytes, queued, dropped, evicted } = store;
  const count = (value: number | undefined) => (value === undefined ? undefined : formatCount(value));
  const facts: readonly Fact[] = [
    ['Spans', formatCount(store.spans)],
    ['Logs', formatCount(store.logs)],
    ['Metric points', formatCount(store.points)],
    ['Queued', count(queued)],
    ['Dropped', count(dropped), (dropped ?? 0) > 0],
    ['Evicted', count(evicted)],
    ['Oldest', formatAge(store.oldest)],
  ];
  return (
    <div class="pad">
      {file !== undefined && (
        <p>
          <span class="code">{file}</span>
        </p>
      )}
      <p>
        {maxBytes === undefined ? (
          formatBytes(bytes)
        ) : (
          <>
            <progress max={maxBytes} value={bytes} aria-label="Space used" /> {formatBytes(bytes)} of{' '}
            {formatBytes(maxBytes)}
          </>
        )}
      </p>
      <dl class="figures figures-left">
        {facts.map(
          ([label, value, bad]) =>
            value !== undefined && (
              <div key={label} class={bad ? 'bad' : ''}>
                <dt>{label}</dt>
                <dd>{value}</dd>
              </div>
            ),
        )}
      </dl>
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
function HealthView() {
  const health = useLoad('health', (signal) => healthApi.get('health', {}, signal), { everyMs: REFRESH_MS });
  return (
    <WhenLoaded loaded={health}>
      {({ exporters, store, instrumentations, libraries, sampling, warnings }) => (
        <div class="stack-view">
          <h1 class="visually-hidden">Health of telemetry</h1>
          <Card title="Exporters">
            <Exporters exporters={exporters} />
          </Card>
          <Card title="Store">
            <Store store={store} />
          </Card>
          {sampling && (
            <Card title="Sampling">
              <dl class="figures figures-left pad">
                {Object.entries(sampling).map(([name, count]) => (
                  <div key={name}>
                    <dt>{name}</dt>
                    <dd>{formatCount(count)}</dd>
                  </div>
                ))}
              </dl>
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

export const healthView: PanelView = {
  name: 'health',
  title: 'Health',
  inHeader: true,
  usesTimeSpan: false,
  View: HealthView,
};
