import { TimeChart } from '../../../ui/charts/time-chart.js';
import { clientOf } from '../../../ui/client.js';
import { formatExact, formatTime } from '../../../ui/format.js';
import { useSpanLoad } from '../../../ui/parts/use-load.js';
import { type Place, setQuery } from '../../../ui/state.js';
import type { LogsApi } from '../query.js';
import { groupLevels } from './group-levels.js';

const logsApi = clientOf<LogsApi>();

/** With any other filter, the counts would be of lines that the list does not have. */
export const isVolumeOf = ({ query }: Place): boolean =>
  !['text', 'attribute', 'where', 'traceId', 'spanId'].some((name) => query.has(name));

/** How many lines were written over the time span, by level; a dragged stretch becomes the time span. */
export function LogVolume({ place }: { readonly place: Place }) {
  const service = place.query.get('service') ?? undefined;
  const level = place.query.get('level') ?? undefined;
  const { data } = useSpanLoad(`volume|${service ?? ''}|${level ?? ''}`, place, (span, signal) =>
    logsApi.get('logs/volume', { ...span, service, level }, signal),
  );
  // The list says what is wrong when nothing is answered.
  if (data === undefined) return null;
  return (
    <TimeChart
      title={data.since === undefined ? 'Lines' : `Lines since ${formatTime(data.since, false)}`}
      times={data.times}
      series={groupLevels(data)}
      format={formatExact}
      height={84}
      service={service}
      onSelect={(from, to) => {
        setQuery({ range: undefined, from: Math.floor(from), to: Math.ceil(to), log: undefined });
      }}
    />
  );
}
