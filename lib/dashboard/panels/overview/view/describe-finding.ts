import {
  formatDateTime,
  formatDuration,
  formatExact,
  formatShare,
  formatTime,
  plural,
} from '../../../ui/format.js';
import type { QueryChange } from '../../../ui/state.js';
import type { Finding } from '../findings.js';
import type { Regression } from '../regressions.js';

/** A finding as the page shows it. */
export interface DescribedFinding {
  /** Two words at most. */
  readonly label: string;
  readonly tone: 'bad' | 'warn';
  /** Its subject, which is the link. */
  readonly subject: string;
  /** The rest of the sentence, with figures. */
  readonly text: string;
  /** The place that shows it. */
  readonly path: readonly string[];
  readonly query: QueryChange;
  /** Other places that say more. */
  readonly more?: readonly {
    readonly text: string;
    readonly path: readonly string[];
    readonly query: QueryChange;
  }[];
}

const MAX_MESSAGE = 160;

const clockOf = (time: number): string => formatTime(time, false).slice(0, 5);

/** The day of a time that is not of the last hours. */
const dayOf = (time: number, now: number): string =>
  now - time > 20 * 3_600_000 ? ` on ${formatDateTime(time).slice(0, 10)}` : '';

/** A sentence about a finding, and where the page shows it. */
export function describeFinding(finding: Finding, now = Date.now()): DescribedFinding {
  switch (finding.kind) {
    case 'new-error': {
      const { service, fingerprint, type, message, count, firstSeen, firstVersion, route } = finding;
      const where = route === undefined ? service : `${route} of ${service}`;
      const since = `${formatTime(firstSeen, false)}${firstVersion && `, since version ${firstVersion}`}`;
      return {
        label: 'New error',
        tone: 'bad',
        subject: type,
        text: `${message.slice(0, MAX_MESSAGE)} · ${plural(count, 'time')} in ${where}, first at ${since}`,
        path: ['errors', service, fingerprint],
        query: {},
      };
    }
    case 'failing':
    case 'slower':
      return describeRegression(finding, now);
    case 'overdue': {
      const { service, route, everyMs, lastRun } = finding;
      return {
        label: 'Overdue',
        tone: 'bad',
        subject: route,
        text: `of ${service} last began at ${formatTime(lastRun, false)}; it usually runs every ${formatDuration(everyMs)}`,
        path: ['traces'],
        query: { service, method: 'RUN', route, range: '24h', from: undefined, to: undefined },
      };
    }
    case 'sample': {
      const { service, recorded, requests } = finding;
      return {
        label: 'Sample',
        tone: 'warn',
        subject: service,
        text: `was called ${formatExact(requests)} times, of which spans show ${formatExact(recorded)} and do not say what share they are: rates and counts are of the sample`,
        path: ['metrics'],
        query: { service },
      };
    }
    case 'lost': {
      const { items, count, endpoint, reason, service, processes = 1 } = finding;
      const whose = processes > 1 ? `${formatExact(processes)} processes of ${service ?? ''}` : service;
      const by = service === undefined ? '' : `by ${whose ?? ''} `;
      const to =
        endpoint === undefined
          ? 'by the embedded store'
          : `${by}on the way to ${endpoint || 'an unknown endpoint'}`;
      return {
        label: 'Lost',
        tone: 'warn',
        subject: `${formatExact(count)} ${items}`,
        text: `lost ${to}${reason === undefined ? '' : `: ${reason.slice(0, MAX_MESSAGE)}`}`,
        path: ['health'],
        query: {},
      };
    }
  }
}

/** What became worse, with figures: `takes 1.24 s since version 2.0.0, 310 ms in 1.9.0 (p95 of 1,200 requests, 480 before)`. */
export function wordsOfRegression({ kind, baseline, before, now }: Regression, time = Date.now()): string {
  const [is, was] =
    kind === 'slower'
      ? [`takes ${formatDuration(now.p95)}`, formatDuration(before.p95)]
      : [`fails for ${formatShare(now.errorShare)} of requests`, formatShare(before.errorShare)];
  const measure = kind === 'slower' ? 'p95 of ' : '';
  const against =
    baseline.kind === 'version'
      ? ` since version ${baseline.now}, ${was} in ${baseline.version}`
      : `, ${was} from ${clockOf(baseline.from)} to ${clockOf(baseline.to)}${dayOf(baseline.to, time)}`;
  return `${is}${against} (${measure}${formatExact(now.count)} requests, ${formatExact(before.count)} before)`;
}

function describeRegression(regression: Regression, time: number): DescribedFinding {
  const { kind, service, method, route, baseline, before } = regression;
  const name = { service, method, route };
  // Requests that were as usual are of no help.
  const only = kind === 'slower' ? { min: `${Math.max(1, Math.floor(before.p95))}ms` } : { status: 'error' };
  return {
    label: kind === 'slower' ? 'Slower' : 'Failing',
    tone: kind === 'slower' ? 'warn' : 'bad',
    subject: `${method} ${route || 'no matching route'}`,
    text: `of ${service} ${wordsOfRegression(regression, time)}`,
    // What matched no route has no page of its own.
    path: [route === '' ? 'traces' : 'route'],
    query: name,
    more: [
      {
        text: kind === 'slower' ? 'Slow traces' : 'Failed traces',
        path: ['traces'],
        query: { ...name, ...only },
      },
      ...(baseline.kind === 'version'
        ? [
            {
              text: 'Compare the versions',
              path: ['versions'],
              query: { service, a: baseline.version, b: baseline.now },
            },
          ]
        : []),
    ],
  };
}
