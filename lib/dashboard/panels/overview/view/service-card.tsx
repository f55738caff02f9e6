import type { ServiceAnswer, ServiceTrendAnswer } from '../../../reader/answers/traffic.interface.js';
import { formatAge, formatCount, formatDuration, formatRate, formatShare } from '../../../ui/format.js';
import { type Figure, Figures } from '../../../ui/parts/figures.js';
import { serviceClass } from '../../../ui/parts/service-colour.js';
import { Sparkline } from '../../../ui/parts/sparkline.js';
import { addressOf, type Place, setQuery } from '../../../ui/state.js';
import { EntryCharts } from './entry-charts.js';
import { isOpenIn, toggled } from './open-services.js';

/** Of a folded service with lines, of an open one with all quantiles. One without requests has neither a share of errors nor quantiles. */
function figuresOf(
  of: ServiceAnswer,
  isOpen: boolean,
  trend: ServiceTrendAnswer | undefined,
): readonly Figure[] {
  const { name: service, count, perSecond, errorShare, p50, p95, p99, failedWork, errorLogs } = of;
  const known = (value: number): number | null => (count === 0 ? null : value);
  const withLine = (text: string, values: readonly (number | null)[] | undefined, colour: string) =>
    isOpen ? (
      text
    ) : (
      <>
        <Sparkline values={values} colour={colour} /> {text}
      </>
    );
  return [
    // Only where there are some: most services have none.
    ['Failed work', linkTo(failedWork, ['traces'], { service, status: 'error' }), 'bad'],
    ['Error logs', linkTo(errorLogs, ['logs'], { service, level: 'error' }), 'bad'],
    ['Rate', withLine(formatRate(perSecond), trend?.perSecond, '--accent'), 'figure-rate'],
    [
      'Errors',
      // A red line at the bottom would say that there are some.
      withLine(
        formatShare(known(errorShare)),
        trend?.errorsPerSecond,
        errorShare > 0 ? '--error' : '--border',
      ),
      errorShare > 0 ? 'figure-errors bad' : 'figure-errors',
    ],
    ['p50', isOpen ? formatDuration(known(p50)) : undefined],
    ['p95', withLine(formatDuration(known(p95)), trend?.p95, '--p95'), 'figure-p95'],
    ['p99', isOpen ? formatDuration(known(p99)) : undefined],
  ];
}

function linkTo(count: number, ...[path, query]: Parameters<typeof addressOf>) {
  return count === 0 ? undefined : <a href={addressOf(path, query)}>{formatCount(count)}</a>;
}

interface ServiceCardProps {
  readonly service: ServiceAnswer;
  readonly place: Place;
  /** Undefined until it is loaded, and of a service that was not called. */
  readonly trend: ServiceTrendAnswer | undefined;
  /** Whether it is open when the address does not say so. */
  readonly opensItself: boolean;
}

/** One service in one line; opened, its duration with dots that lead to traces, its rate and errors. */
export function ServiceCard({ service, place, trend, opensItself }: ServiceCardProps) {
  const { name, version, environment, lastSeen, count, failedWork } = service;
  const isOpen = isOpenIn(place.query, name, opensItself);
  return (
    <section class={`card service ${serviceClass(name)} ${isOpen ? '' : 'service-line'}`} aria-label={name}>
      <header>
        <h2>
          <button
            type="button"
            class="fold"
            aria-expanded={isOpen}
            onClick={() => {
              setQuery(toggled(place.query, name, opensItself), { replace: true });
            }}
          >
            <i class="swatch" aria-hidden="true" />
            {name}
          </button>
        </h2>
        <span class="hint">
          {[version && `v${version}`, environment, `last request ${formatAge(lastSeen)}`]
            .filter(Boolean)
            .join(' · ')}
          {isOpen && (
            <>
              {' · '}
              <a href={addressOf(['traces'], { service: name })}>traces</a>
            </>
          )}
        </span>
        <Figures of={figuresOf(service, isOpen, trend)} />
      </header>
      {isOpen &&
        (count === 0 && failedWork === 0 ? (
          <p class="hint pad service-idle">No requests in this time range.</p>
        ) : (
          <EntryCharts of={{ service: name }} place={place} />
        ))}
    </section>
  );
}
