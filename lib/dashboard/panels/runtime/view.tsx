import type { ProcessAnswer } from '../../reader/answers/processes.interface.js';
import { clientOf } from '../../ui/client.js';
import { formatAge, formatTime, shortId } from '../../ui/format.js';
import { SelectField } from '../../ui/parts/fields.js';
import { WhenLoaded } from '../../ui/parts/notice.js';
import { useSpanLoad } from '../../ui/parts/use-load.js';
import { type Place, setQuery } from '../../ui/state.js';
import type { RuntimeApi } from './query.js';
import { ProcessCharts } from './view/process-charts.js';
import { ProfilesCard } from './view/profiles-card.js';

const runtimeApi = clientOf<RuntimeApi>();

const BUCKETS = 90;

const keyOf = ({ service, instance }: Pick<ProcessAnswer, 'service' | 'instance'>): string =>
  JSON.stringify([service, instance]);

const nameOf = ({ service, version, pid, instance, firstSeen, lastSeen }: ProcessAnswer): string =>
  [
    `${service}${version === '' ? '' : ` ${version}`}`,
    pid === undefined ? shortId(instance) : `pid ${pid}`,
    `since ${formatTime(firstSeen, false)}`,
    ...(Date.now() - lastSeen > 120_000 ? [`last seen ${formatAge(lastSeen)}`] : []),
  ]
    .filter(Boolean)
    .join(' · ');

/** One process: CPU, memory, garbage collection, event loop and pools over time. */
export function View({ place }: { readonly place: Place }) {
  const { query } = place;
  const processes = useSpanLoad('processes', place, (span, signal) =>
    runtimeApi.get('processes', span, signal),
  );
  const [first] = processes.data ?? [];
  const service = query.get('service') ?? first?.service;
  const traceId = query.get('traceId') ?? undefined;
  const asked = query.get('instance') ?? undefined;
  // Of a service without a process in the address: the last seen.
  const instance =
    asked ??
    (traceId === undefined ? processes.data?.find((each) => each.service === service)?.instance : undefined);
  const charts = useSpanLoad(
    `process|${service ?? ''}|${instance ?? ''}|${traceId ?? ''}`,
    place,
    async (span, signal) =>
      service === undefined
        ? undefined
        : runtimeApi.get(
            'processes/charts',
            { ...span, service, instance, traceId, buckets: BUCKETS },
            signal,
          ),
  );
  // Not the last seen, which may be another one the next moment: without a choice it is the one that serves the page.
  const chosen = asked === undefined || service === undefined ? undefined : { service, instance: asked };
  const profiled = chosen ?? (traceId === undefined ? undefined : charts.data?.process);
  return (
    <div class="stack-view runtime">
      <h1 class="visually-hidden">Runtime</h1>
      <WhenLoaded
        loaded={processes}
        isEmpty={(list) => list.length === 0 && query.get('service') === null}
        empty="No process has reported in this time range. Metrics of the runtime are collected every five seconds."
      >
        {(list) => (
          <section class="card" aria-label="Process over time">
            <header>
              <h2>Process</h2>
              <SelectField
                label="Process"
                any="last seen"
                value={charts.data ? keyOf(charts.data.process) : ''}
                options={withChosen(list, charts.data?.process).map(
                  (each) => [keyOf(each), nameOf(each)] as const,
                )}
                onChange={(value) => {
                  const [to, of] =
                    value === '' ? [undefined, undefined] : (JSON.parse(value) as [string, string]);
                  setQuery({ service: to, instance: of, traceId: undefined, until: undefined });
                }}
              />
            </header>
            <WhenLoaded loaded={charts}>
              {(data) => data && <ProcessCharts charts={data} place={place} />}
            </WhenLoaded>
          </section>
        )}
      </WhenLoaded>
      {(profiled !== undefined || !charts.loading || traceId === undefined) && (
        <ProfilesCard
          key={profiled && keyOf(profiled)}
          process={profiled && { service: profiled.service, instance: profiled.instance }}
        />
      )}
    </div>
  );
}

/** The process of the address may lie outside of the time range. */
function withChosen(
  list: readonly ProcessAnswer[],
  chosen: ProcessAnswer | undefined,
): readonly ProcessAnswer[] {
  if (chosen === undefined || list.some((each) => keyOf(each) === keyOf(chosen))) return list;
  return [...list, chosen];
}
