import { type ComponentChildren, Fragment } from 'preact';
import { useEffect } from 'preact/hooks';

import type { RouteAnswer } from '../../reader/answers/traffic.interface.js';
import { clientOf } from '../../ui/client.js';
import { formatAge, formatCount, formatDuration, formatRate, formatShare } from '../../ui/format.js';
import { Card } from '../../ui/parts/card.js';
import { CopyCurl } from '../../ui/parts/copy-curl.js';
import { Figures } from '../../ui/parts/figures.js';
import { Notice, WhenLoaded } from '../../ui/parts/notice.js';
import { serviceClass } from '../../ui/parts/service-colour.js';
import { attributesOfSource, sourceOf } from '../../ui/parts/source-link.js';
import { Table } from '../../ui/parts/table.js';
import { useEditor } from '../../ui/parts/use-editor.js';
import { useLoad } from '../../ui/parts/use-load.js';
import { addressOf, isLive, type Place, scopeOf, spanKeyOf } from '../../ui/state.js';
import type { ErrorsApi } from '../errors/query.js';
import { describeFinding, wordsOfRegression } from '../overview/view/describe-finding.js';
import { EntryCharts } from '../overview/view/entry-charts.js';
import type { RouteApi, RoutePageAnswer } from './route-api.interface.js';
import { DurationBars } from './view/duration-bars.js';
import { ERROR_COLUMNS, OPERATION_COLUMNS, VERSION_COLUMNS } from './view/route-tables.js';
import { SampleTraces } from './view/sample-traces.js';
import { TimeByKind } from './view/time-by-kind.js';

const routeApi = clientOf<RouteApi>();
const errorsApi = clientOf<ErrorsApi>();

/** Sums and samples, which say the same from one moment to the next. */
const EVERY_MS = 15_000;
const ERRORS = 10;

/** What the address says the page is about; undefined where it does not. */
function nameOf({ query }: Place) {
  const [service, method, route] = ['service', 'method', 'route'].map((name) => query.get(name) ?? undefined);
  return service === undefined || route === undefined ? undefined : { service, method, route };
}

type Name = NonNullable<ReturnType<typeof nameOf>>;

/** One route: how long its requests take and since when, on what they spend the time, what fails, and some of them. */
export function View({ place }: { readonly place: Place }) {
  const name = nameOf(place);
  if (name === undefined)
    return (
      <Notice>
        The address names no route. <a href={addressOf(['overview'])}>All routes</a>
      </Notice>
    );
  return <RoutePage name={name} place={place} />;
}

/** Loads what belongs to the route and the time span, and now and then while the page is live. */
function useRouteLoad<T>(
  what: string,
  { service, method, route }: Name,
  place: Place,
  load: (query: Record<string, string | number | undefined>, signal: AbortSignal) => Promise<T>,
) {
  return useLoad(
    `${what}|${JSON.stringify([service, method, route])}|${spanKeyOf(place)}`,
    (signal) => {
      return load({ service, method, route, ...scopeOf(place) }, signal);
    },
    { everyMs: isLive(place) ? EVERY_MS : undefined },
  );
}

function RoutePage({ name, place }: { readonly name: Name; readonly place: Place }) {
  const { service, method, route } = name;
  const title = `${method ?? ''} ${route}`.trim();
  const page = useRouteLoad('route', name, place, (query, signal) => routeApi.get('route', query, signal));
  const sample = useRouteLoad('sample', name, place, (query, signal) =>
    routeApi.get('route/sample', query, signal),
  );
  const errors = useRouteLoad('errors', name, place, ({ from, to }, signal) =>
    errorsApi.get('errors', { service, route: title, from, to, order: 'count', limit: ERRORS }, signal),
  );
  const isLoaded = page.data !== undefined;
  useEffect(() => {
    // After the page has set that of the view.
    if (isLoaded) document.title = `${title} · Telemetry`;
  }, [title, isLoaded]);
  return (
    <div class="stack-view route-page">
      <section class={`card ${serviceClass(service)}`} aria-label={title}>
        <RouteHeader name={name} title={title} page={page.data} />
        <EntryCharts of={name} place={place} />
      </section>
      <div class="card-pair">
        <Card title="How long requests took">
          <WhenLoaded loaded={page}>
            {({ durations }) => <DurationBars durations={durations} query={name} />}
          </WhenLoaded>
        </Card>
        <Card title="Where the time goes">
          <WhenLoaded
            loaded={sample}
            isEmpty={({ newest }) => newest === 0}
            empty="No trace of this route is stored of this time range."
          >
            {(data) => <TimeByKind sample={data} />}
          </WhenLoaded>
        </Card>
      </div>
      <Card title="Requests to look at">
        <WhenLoaded loaded={sample}>{(data) => <SampleTraces sample={data} />}</WhenLoaded>
      </Card>
      <TableCard title="Operations within the newest requests">
        <WhenLoaded loaded={sample} isEmpty={({ operations }) => operations.length === 0} empty="None.">
          {({ operations }) => (
            <Table
              class="operations"
              columns={OPERATION_COLUMNS}
              rows={operations}
              keyOf={(row) => JSON.stringify([row.service, row.kind, row.name, row.target])}
              sortedBy="Self time"
            />
          )}
        </WhenLoaded>
      </TableCard>
      <TableCard title="Errors">
        <WhenLoaded
          loaded={errors}
          isEmpty={(list) => list.errors.length === 0}
          empty="This route failed with no error that is kept."
        >
          {(list) => (
            <Table
              columns={ERROR_COLUMNS}
              rows={list.errors}
              keyOf={({ fingerprint }) => fingerprint}
              sortedBy="Times"
            />
          )}
        </WhenLoaded>
      </TableCard>
      <TableCard title="Versions">
        <WhenLoaded
          loaded={page}
          isEmpty={({ versions }) => versions.length === 0}
          empty="The service has no service.version, or this route was not called."
        >
          {({ versions }) => (
            <Table
              columns={VERSION_COLUMNS}
              rows={versions}
              keyOf={(row) => `${row.version} ${row.method}`}
            />
          )}
        </WhenLoaded>
      </TableCard>
    </div>
  );
}

/** A card whose table is scrolled where the window is narrow. */
function TableCard({ title, children }: { readonly title: string; readonly children: ComponentChildren }) {
  return (
    <Card title={title}>
      <div class="scroll-x" tabIndex={0} role="region" aria-label={`Table: ${title}`}>
        {children}
      </div>
    </Card>
  );
}

interface RouteHeaderProps {
  readonly name: Name;
  readonly title: string;
  readonly page: RoutePageAnswer | undefined;
}

function RouteHeader({ name, title, page }: RouteHeaderProps) {
  const [first] = page?.routes ?? [];
  return (
    <>
      <header>
        <h1>
          <i class="swatch" aria-hidden="true" /> {title}
        </h1>
        <span class="hint">
          {name.service}
          {first && (
            <>
              <Handler of={first} /> · last request {formatAge(first.lastSeen)}
            </>
          )}
        </span>
        {first && <Figures of={figuresOf(page?.routes ?? [])} />}
      </header>
      <div class="route-actions">
        <a class="button" href={addressOf(['traces'], name)}>
          All its traces
        </a>
        <a class="button" href={addressOf(['traces'], { ...name, status: 'error' })}>
          Failed ones
        </a>
        {name.method !== undefined &&
          first?.method === name.method &&
          !/^(RUN|CONSUME|RPC)$/.test(name.method) && <CopyCurl of={{ ...name, method: name.method }} />}
      </div>
      {page?.regressions.map((regression, index) => {
        const { label, tone, more = [] } = describeFinding(regression);
        return (
          <p key={index} class="route-finding">
            <span class={`finding-kind finding-${tone}`}>{label}</span> {regression.method}{' '}
            {wordsOfRegression(regression)}
            {more.map((link) => (
              <Fragment key={link.text}>
                {' · '}
                <a href={addressOf(link.path, link.query)}>{link.text}</a>
              </Fragment>
            ))}
          </p>
        );
      })}
    </>
  );
}

function Handler({ of: { handler, source } }: { readonly of: RouteAnswer }) {
  const editor = useEditor();
  if (handler === undefined) return null;
  const href = sourceOf(attributesOfSource(source), editor)?.href;
  return (
    <>
      {' · '}
      <span class="code">
        {href === undefined ? (
          handler
        ) : (
          <a href={href} title="open in editor">
            {handler}
          </a>
        )}
      </span>
    </>
  );
}

/** Of one method, or the counts of several. */
function figuresOf(routes: readonly RouteAnswer[]) {
  const sum = (of: (route: RouteAnswer) => number): number =>
    routes.reduce((total, route) => total + of(route), 0);
  const count = sum((route) => route.count);
  const failed = sum((route) => route.count * route.errorShare);
  const [only] = routes.length === 1 ? routes : [];
  return [
    ['Requests', formatCount(count)],
    ['Rate', formatRate(sum((route) => route.perSecond))],
    ['Errors', formatShare(count === 0 ? null : failed / count), failed > 0 ? 'bad' : ''],
    ['p50', only && formatDuration(only.p50)],
    ['p95', only && formatDuration(only.p95)],
  ] as const;
}
