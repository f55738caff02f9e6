import type { StartAnswer } from '../../reader/answers/traffic.interface.js';
import { formatTime, plural } from '../format.js';

/** Starts of processes that lie close to each other in a chart. */
export interface StartMark {
  /** Where it is, in pixels from the left of the plot. */
  readonly left: number;
  /** What started, in words. */
  readonly label: string;
  /** Whether a version changed; else processes were only restarted. */
  readonly isChange: boolean;
  /** The first change of a version, or else the first restart. */
  readonly start: StartAnswer;
}

/** The plot of a chart along its time axis. */
export interface TimeScale {
  readonly from: number;
  readonly to: number;
  /** Pixels. */
  readonly width: number;
}

/** Marks nearer than this would lie on top of each other. */
const APART_PX = 14;
/** More marks than this hide the chart: then they are further apart. */
const MOST_MARKS = 24;
const MOST_NAMED = 3;

/** A version is another one than that of the process before it; the first process of a service is no change. */
const isChange = ({ version, previousVersion }: StartAnswer): boolean => version !== previousVersion;

/**
 * Marks where a process was restarted or a version changed. Starts that are too close to see separately are one mark.
 *
 * @param starts in the order of time
 * @param service of one service; undefined: of all
 */
export function clusterStarts(
  starts: readonly StartAnswer[],
  { from, to, width }: TimeScale,
  service?: string,
): readonly StartMark[] {
  const shown = starts.filter(
    (start) =>
      start.previousVersion !== undefined &&
      start.time >= from &&
      start.time <= to &&
      (service === undefined || start.service === service),
  );
  const leftOf = ({ time }: StartAnswer): number => ((time - from) / Math.max(1, to - from)) * width;
  const apart = Math.max(APART_PX, width / MOST_MARKS);
  const clusters: StartAnswer[][] = [];
  for (const start of shown) {
    const last = clusters.at(-1);
    const first = last?.[0];
    const near =
      first !== undefined && leftOf(start) - leftOf(first) < (shown.length > MOST_MARKS ? apart : APART_PX);
    if (near) last?.push(start);
    else clusters.push([start]);
  }
  return clusters.flatMap((cluster) => {
    // The mark of a rolling restart is where its first process started.
    const start = cluster.find(isChange) ?? cluster[0];
    if (start === undefined) return [];
    return [{ left: leftOf(start), label: describeStarts(cluster), isChange: isChange(start), start }];
  });
}

/** `worker 0.2.0 (before: 0.1.0) started at 14:03:07`, `worker 0.2.0 restarted at 14:03:07`, `12 restarts of worker 14:03:07 to 14:09:12`. */
function describeStarts(starts: readonly StartAnswer[]): string {
  const [first] = starts;
  const last = starts.at(-1);
  if (first === undefined || last === undefined) return '';
  const clock = formatTime(first.time, false);
  const until = formatTime(last.time, false);
  const when = clock === until ? `at ${clock}` : `${clock} to ${until}`;
  if (starts.length === 1 && !isChange(first)) return `${nameOf(first)} restarted ${when}`;
  const changes = starts.filter(isChange);
  const named = changes.slice(0, MOST_NAMED).map((change) => {
    const own = starts.filter((start) => sameVersion(start, change) && !isChange(start)).length;
    const processes = own > 0 ? ` in ${own + 1} processes` : '';
    return `${nameOf(change)} (before: ${change.previousVersion === '' ? 'no version' : change.previousVersion}) started${processes}`;
  });
  if (changes.length > MOST_NAMED) named.push(`${changes.length - MOST_NAMED} other changes of version`);
  const restarts = starts.filter(
    (start) => !isChange(start) && !changes.some((change) => sameVersion(start, change)),
  );
  const services = [...new Set(restarts.map(({ service }) => service))];
  if (restarts.length > 0)
    named.push(
      `${plural(restarts.length, 'restart')}${services.length === 1 ? ` of ${services[0] ?? ''}` : ''}`,
    );
  return `${named.join(', ')} ${when}`;
}

const nameOf = ({ service, version }: StartAnswer): string => (version ? `${service} ${version}` : service);

const sameVersion = (a: StartAnswer, b: StartAnswer): boolean =>
  a.service === b.service && a.version === b.version;
