import { clientOf } from '../../ui/client.js';
import { formatAge, formatBytes, formatCount } from '../../ui/format.js';
import { Card } from '../../ui/parts/card.js';
import { Figures } from '../../ui/parts/figures.js';
import { WhenLoaded } from '../../ui/parts/notice.js';
import { useLoad } from '../../ui/parts/use-load.js';
import { type Place, REFRESH_MS } from '../../ui/state.js';
import type { HealthAnswer, HealthApi } from './query.js';
import { ClearStore } from './view/clear-store.js';
import { Exporters } from './view/exporter-table.js';
import { Findings } from './view/findings.js';
import { Libraries } from './view/libraries.js';
import { ProcessList } from './view/process-list.js';
import { Warnings } from './view/warnings.js';

const healthApi = clientOf<HealthApi>();

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

/** How telemetry itself is doing. */
export function View({ place }: { readonly place: Place }) {
  const processes = useLoad(
    'health of processes',
    (signal) => healthApi.get('health/processes', {}, signal),
    { everyMs: REFRESH_MS },
  );
  const findings = useLoad('findings', (signal) => healthApi.get('health/findings', {}, signal), {
    everyMs: 6 * REFRESH_MS,
  });
  const health = useLoad('health', (signal) => healthApi.get('health', {}, signal), { everyMs: REFRESH_MS });
  return (
    <WhenLoaded loaded={health}>
      {({ exporters, store, instrumentations, libraries, sampling, warnings, clearRefused }) => {
        // A page that is served apart records nothing.
        const isRecorded = exporters.length + instrumentations.length > 0;
        return (
          <div class="stack-view">
            <h1 class="visually-hidden">Health of telemetry</h1>
            {findings.data && (
              <Card title="Findings">
                <Findings findings={findings.data} />
              </Card>
            )}
            {processes.data && processes.data.length > 0 && (
              <>
                <ProcessList processes={processes.data} place={place} />
                {isRecorded && <p class="hint">Below: the process that serves this page, and its store.</p>}
              </>
            )}
            {isRecorded && (
              <Card title="Exporters">
                <Exporters exporters={exporters} />
              </Card>
            )}
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
            {isRecorded && (
              <Card title="Active instrumentations">
                <ul class="names">
                  {instrumentations.map((name) => (
                    <li key={name} class="code">
                      {name}
                    </li>
                  ))}
                </ul>
              </Card>
            )}
            {libraries.length > 0 && (
              <Card title="Client libraries">
                <Libraries libraries={libraries} />
              </Card>
            )}
            <p class="hint">
              <a href="licenses.txt">Open-source licences</a>
            </p>
          </div>
        );
      }}
    </WhenLoaded>
  );
}
