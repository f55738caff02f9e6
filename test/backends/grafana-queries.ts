import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { parse } from 'yaml';

const DEPLOY = join(__dirname, '../../deploy');
export const RULES = join(DEPLOY, 'prometheus/rules/nestjs-telemetry.yml');

interface Target {
  readonly expr?: string;
  readonly query?: string;
  readonly rawSql?: string;
}

interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly panels: readonly {
    readonly title: string;
    readonly datasource: { readonly uid: string };
    readonly targets: readonly Target[];
  }[];
  readonly templating: {
    readonly list: readonly {
      readonly name: string;
      readonly definition?: string;
      readonly query?: unknown;
      readonly datasource?: { readonly uid: string };
    }[];
  };
}

interface DataSource {
  readonly uid: string;
  readonly jsonData: {
    readonly tracesToMetrics?: { readonly queries: readonly { name: string; query: string }[] };
    readonly exemplarTraceIdDestinations?: readonly { readonly datasourceUid?: string }[];
  };
  readonly correlations?: readonly {
    readonly label: string;
    readonly targetUID: string;
    readonly config: { readonly target: Target };
  }[];
}

export interface Rule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** A query, and where it stands. */
export type PlacedQuery = readonly [place: string, query: string];

export function readDashboards(): Dashboard[] {
  const folder = join(DEPLOY, 'grafana/dashboards');
  return readdirSync(folder).map((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as Dashboard);
}

export function readDataSources(): readonly DataSource[] {
  const file = join(DEPLOY, 'grafana/provisioning/datasources/datasources.yml');
  return (parse(readFileSync(file, 'utf8')) as { datasources: DataSource[] }).datasources;
}

export function readRules(): Rule[] {
  const { groups } = parse(readFileSync(RULES, 'utf8')) as { groups: { rules: Rule[] }[] };
  return groups.flatMap(({ rules }) => rules);
}

/** Every query to Prometheus that Grafana sends, with its variables filled in for everything there is. */
export function readQueries(): PlacedQuery[] {
  const dashboards = readDashboards().flatMap(({ title, panels, templating }) => [
    ...panels.flatMap((panel) =>
      panel.targets.map(({ expr }) => [`${title} / ${panel.title}`, expr ?? ''] as const),
    ),
    ...templating.list.map(
      ({ name, definition = '' }) =>
        // label_values(selector, label)
        [
          `${title} / variable ${name}`,
          definition.replace(/^label_values\((.*), (\w+)\)$/, 'count by ($2) ($1)'),
        ] as const,
    ),
  ]);
  const jumps = readDataSources().flatMap(({ uid, jsonData, correlations = [] }) => [
    ...(jsonData.tracesToMetrics?.queries ?? []).map(
      ({ name, query }) => [`${uid} / ${name}`, query] as const,
    ),
    ...correlations.map(({ label, config }) => [`${uid} / ${label}`, config.target.expr ?? ''] as const),
  ]);
  return [...dashboards, ...jumps]
    .filter(([, query]) => query !== '')
    .map(([place, query]) => [place, fillIn(query)]);
}

/** What Grafana fills in where it asks ClickHouse. */
interface SqlValues {
  readonly database: string;
  readonly services: readonly string[];
  /** Empty: of all. */
  readonly trace: string;
  /** Milliseconds. */
  readonly from: number;
  readonly to: number;
}

const CLICKHOUSE = 'clickhouse';

/** Every statement that Grafana sends to ClickHouse, with its variables and the macros of the data source filled in. */
export function readStatements(values: SqlValues): PlacedQuery[] {
  const dashboards = readDashboards().flatMap(({ title, panels, templating }) => [
    ...panels
      .filter(({ datasource }) => datasource.uid === CLICKHOUSE)
      .flatMap((panel) =>
        panel.targets.map(({ rawSql }) => [`${title} / ${panel.title}`, rawSql ?? ''] as const),
      ),
    ...templating.list
      .filter(({ datasource }) => datasource?.uid === CLICKHOUSE)
      .map(({ name, query }) => [`${title} / variable ${name}`, String(query)] as const),
  ]);
  const jumps = readDataSources().flatMap(({ uid, correlations = [] }) =>
    correlations
      .filter(({ targetUID }) => targetUID === CLICKHOUSE)
      .map(({ label, config }) => [`${uid} / ${label}`, config.target.rawSql ?? ''] as const),
  );
  return [...dashboards, ...jumps].map(([place, sql]) => [place, fillInSql(sql, values)]);
}

function fillInSql(sql: string, { database, services, trace, from, to }: SqlValues): string {
  const time = (ms: number): string => `toDateTime64(${ms / 1_000}, 3)`;
  return sql
    .replaceAll(/\$__timeFilter\((\w+)\)/g, `$1 >= ${time(from)} AND $1 <= ${time(to)}`)
    .replaceAll('${service:singlequote}', services.map((service) => `'${service}'`).join(','))
    .replaceAll(/\$?\$\{(?:trace|traceID)\}/g, trace)
    .replaceAll(/\botel\.otel_/g, `${database}.otel_`);
}

function fillIn(query: string): string {
  return query
    .replaceAll('$$__tags', 'job="api_gateway"')
    .replaceAll('$${service}', 'api_gateway')
    .replaceAll('$__rate_interval', '30s')
    .replaceAll('$__range', '2m')
    .replaceAll(/\$(?:job|instance|route)\b/g, '.+');
}
