import type { ComponentChildren } from 'preact';

import type { ErrorPartAnswer } from '../../../reader/answers/errors.interface.js';
import { MarkedTimes } from '../../../ui/charts/marked-times.js';
import { ApiFailure, clientOf } from '../../../ui/client.js';
import { formatAge, formatDateTime, formatExact, shortId } from '../../../ui/format.js';
import { Card } from '../../../ui/parts/card.js';
import { CopyButton } from '../../../ui/parts/copy-button.js';
import { CopyPrompt } from '../../../ui/parts/copy-prompt.js';
import { Figures } from '../../../ui/parts/figures.js';
import { Notice, WhenLoaded } from '../../../ui/parts/notice.js';
import { serviceClass } from '../../../ui/parts/service-colour.js';
import { Stack } from '../../../ui/parts/stack.js';
import { type Column, Table } from '../../../ui/parts/table.js';
import { useSpanLoad } from '../../../ui/parts/use-load.js';
import { addressOf, type Place, timeSpanOf } from '../../../ui/state.js';
import type { ErrorPageAnswer, ErrorsApi } from '../query.js';
import { CountBars, extentOfBars } from './count-bars.js';
import { formatUsers } from './format-users.js';
import { STATE_MEANINGS, StateBadge } from './state-badge.js';

const errorsApi = clientOf<ErrorsApi>();

/** Log lines this long before and after an error without a trace. */
const AROUND_MS = 5_000;
/** Characters of a user that are shown: so many tell hashes apart. */
const MAX_USER = 20;

function partColumns(
  name: string,
  cell: (part: ErrorPartAnswer) => ComponentChildren,
): readonly Column<ErrorPartAnswer>[] {
  const seen = (title: string, timeOf: (part: ErrorPartAnswer) => number): Column<ErrorPartAnswer> => ({
    name: title,
    number: true,
    sortBy: timeOf,
    title: (part) => formatDateTime(timeOf(part)),
    cell: (part) => formatAge(timeOf(part)),
  });
  return [
    { name, cell },
    { name: 'Count', number: true, sortBy: ({ count }) => count, cell: ({ count }) => formatExact(count) },
    seen('First seen', ({ firstSeen }) => firstSeen),
    seen('Last seen', ({ lastSeen }) => lastSeen),
  ];
}

type Sample = ErrorPageAnswer['samples'][number];

const samplesOf = (service: string): readonly Column<Sample>[] => [
  {
    name: 'Time',
    title: ({ time }) => formatAge(time),
    cell: ({ time }) => formatDateTime(time),
  },
  {
    name: 'Trace',
    cell: ({ traceId, spanId }) =>
      traceId === undefined ? (
        <span class="hint">none is stored</span>
      ) : (
        <a href={addressOf(['trace', traceId], { span: spanId })}>{shortId(traceId)}</a>
      ),
  },
  {
    name: 'Logs',
    cell: ({ traceId, time }) => {
      const around = { service, level: 'error', from: time - AROUND_MS, to: time + AROUND_MS };
      const query = traceId === undefined ? { ...around, range: undefined } : { traceId };
      return <a href={addressOf(['logs'], query)}>{traceId === undefined ? 'around it' : 'of the trace'}</a>;
    },
  },
];

function routeLink({ value }: ErrorPartAnswer): ComponentChildren {
  const space = value.indexOf(' ');
  const [method, route] = [value.slice(0, space), value.slice(space + 1)];
  return (
    <a href={addressOf(['traces'], { route, method, status: 'error' })}>
      {method} {route}
    </a>
  );
}

/** To the failed requests of the user: the text of a hash or id is nowhere else. */
const userLink = ({ value }: ErrorPartAnswer): ComponentChildren => (
  <a class="code" href={addressOf(['traces'], { text: value, status: 'error' })} title={value}>
    {value.length > MAX_USER ? `${value.slice(0, MAX_USER)}…` : value}
  </a>
);

interface DetailsProps {
  readonly error: ErrorPageAnswer;
  readonly span: { readonly from: number; readonly to: number };
}

function Details({ error, span }: DetailsProps) {
  const { service, type, message, state, times, counts, firstVersion, lastVersion } = error;
  const since = (time: number, version: string): ComponentChildren => (
    <span title={formatDateTime(time)}>
      {formatAge(time)} {version !== '' && <span class="code hint">{version}</span>}
    </span>
  );
  return (
    <div class="stack-view">
      <p>
        <a href={addressOf(['errors'])}>← Errors</a>
      </p>
      <section class="card" aria-label="Error">
        <header class={`error-head ${serviceClass(service)}`}>
          <h1>{type}</h1> <StateBadge state={state} />
          <span class="service-name">
            <i class="swatch" aria-hidden="true" /> {service}
          </span>
        </header>
        <div class="pad">
          <pre class="stack error-message">{message}</pre>
          <MarkedTimes extent={extentOfBars(times)} height={48} service={service}>
            <CountBars times={times} counts={counts} word="error" />
          </MarkedTimes>
          <p class="hint">
            {formatDateTime(times[0] ?? span.to).slice(0, 16)} to {formatDateTime(span.to).slice(0, 16)}.{' '}
            {STATE_MEANINGS[state]}.
          </p>
          <Figures
            class="figures figures-left"
            of={[
              ['In this time range', formatExact(error.count)],
              ['Since the first', formatExact(error.total)],
              ['First seen', since(error.firstSeen, firstVersion)],
              ['Last seen', since(error.lastSeen, lastVersion)],
              ['Users', error.users === 0 ? undefined : formatUsers(error.users)],
              ['Fingerprint', <span class="code">{error.fingerprint}</span>],
            ]}
          />
          <p class="buttons">
            <CopyPrompt of={{ service, fingerprint: error.fingerprint, span }} />
          </p>
        </div>
      </section>
      {error.stack !== undefined && (
        <Card title="Stack">
          <div class="pad">
            <Stack parts={error.stackParts} />
            <CopyButton text={() => error.stack ?? ''}>Copy stack</CopyButton>
          </div>
        </Card>
      )}
      <div class="error-parts">
        {error.routes.length > 0 && (
          <Card title="Failed with it">
            <div class="scroll-x">
              <Table columns={partColumns('Route', routeLink)} rows={error.routes} keyOf={keyOfPart} />
            </div>
          </Card>
        )}
        {error.affectedUsers.length > 0 && (
          <Card title="Users">
            <div class="scroll-x">
              <Table columns={partColumns('User', userLink)} rows={error.affectedUsers} keyOf={keyOfPart} />
            </div>
            {error.users > error.affectedUsers.length && (
              <p class="hint pad">
                The {formatExact(error.affectedUsers.length)} affected last of {formatUsers(error.users)}.
              </p>
            )}
          </Card>
        )}
        <Card title="Versions">
          <div class="scroll-x">
            <Table
              columns={partColumns('Version', ({ value }) => (value === '' ? 'none given' : value))}
              rows={error.versions}
              keyOf={keyOfPart}
            />
          </div>
        </Card>
        <Card title="Newest">
          <div class="scroll-x">
            <Table
              columns={samplesOf(service)}
              rows={error.samples}
              keyOf={({ time, spanId = '' }) => `${time} ${spanId}`}
            />
          </div>
        </Card>
      </div>
    </div>
  );
}

const keyOfPart = ({ value }: ErrorPartAnswer): string => value;

interface ErrorDetailsProps {
  readonly service: string;
  readonly fingerprint: string;
  readonly place: Place;
}

/** What is known of one error. */
export function ErrorDetails({ service, fingerprint, place }: ErrorDetailsProps) {
  const loaded = useSpanLoad(`error|${service}|${fingerprint}`, place, (span, signal) =>
    errorsApi.get('errors/:service/:fingerprint', { ...span, service, fingerprint }, signal),
  );
  if (loaded.error instanceof ApiFailure && loaded.error.status === 404)
    return (
      <Notice>
        <p>This error is not stored. It may have been deleted, as it was not seen for long.</p>
        <p class="buttons">
          <a class="button" href={addressOf(['errors'])}>
            To the errors
          </a>
        </p>
      </Notice>
    );
  return (
    <WhenLoaded loaded={loaded}>
      {(error) => (
        <>
          {error.coverage && (
            <p class="hint">Not filtered but for the counts of this time: of all processes.</p>
          )}
          <Details error={error} span={timeSpanOf(place.query)} />
        </>
      )}
    </WhenLoaded>
  );
}
