import { type ClickHouseConfig } from '../../config/clickhouse.js';
import { DashboardError } from '../http/dashboard-error.js';

/** Errors of ClickHouse, by their code. */
const CODES = {
  unknownTable: ['60'],
  unknownDatabase: ['81'],
  otherLayout: ['10', '16', '47'],
  refused: ['192', '193', '194', '516'],
  forbidden: ['497'],
  readOnly: ['164'],
  tooLong: ['159', '160'],
  tooMuch: ['158', '241', '307', '396'],
  tooMany: ['202'],
} as const;

/** Longest part of a message of ClickHouse that is shown. */
const MAX_MESSAGE = 300;

const OPTION = 'dashboard.source.clickhouse';

/** Says what is wrong with ClickHouse and what to do; never with the password. Errors of the dashboard stay as they are. */
export function describeFailure(error: unknown, config: ClickHouseConfig): unknown {
  if (error instanceof DashboardError) return error;
  const { url, username, database, maxSeconds } = config;
  const { code, message = String(error) } = (error ?? {}) as { code?: unknown; message?: string };
  const reason = shorten(withoutSecret(message, config.password));
  const is = (kind: keyof typeof CODES): boolean => (CODES[kind] as readonly unknown[]).includes(code);
  const server = `ClickHouse at ${url}`;
  const fail = (status: number, text: string): DashboardError => new DashboardError(status, text);
  if (is('refused'))
    return fail(
      502,
      `${server} refused the user ${JSON.stringify(username)}: check ${OPTION}.username and ${OPTION}.password, ` +
        'or TELEMETRY_CLICKHOUSE_USERNAME and TELEMETRY_CLICKHOUSE_PASSWORD.',
    );
  if (is('forbidden'))
    return fail(
      502,
      `${server} does not let the user ${JSON.stringify(username)} read the tables: run GRANT SELECT ON ${database}.* TO ${username}.`,
    );
  if (is('unknownDatabase'))
    return fail(
      502,
      `${server} has no database ${JSON.stringify(database)}: set ${OPTION}.database or TELEMETRY_CLICKHOUSE_DATABASE to that of the ` +
        "Collector's clickhouse exporter.",
    );
  if (is('unknownTable'))
    return fail(
      502,
      `${server} has no table ${tableIn(reason) ?? `as expected in ${database}`}: the Collector's clickhouse exporter makes it when it starts ` +
        `(create_schema); where it has another name, set ${OPTION}.tables.`,
    );
  if (is('otherLayout'))
    return fail(
      502,
      `The tables of ${server} are not those of the Collector's clickhouse exporter with its default schema, from release 0.120 on (${reason}).`,
    );
  if (is('readOnly'))
    return fail(
      502,
      `${server} does not let the user ${JSON.stringify(username)} set limits of a query: give the user a profile with readonly = 2.`,
    );
  if (is('tooLong') || isTimeout(message))
    return fail(
      504,
      `${server} did not answer within ${maxSeconds} s: choose a shorter time or a service, or set ${OPTION}.maxSeconds.`,
    );
  if (is('tooMuch'))
    return fail(
      503,
      `The answer takes more than a query may read (${reason}): choose a shorter time or a service, or set ${OPTION}.maxRows and ` +
        `${OPTION}.maxBytes.`,
    );
  if (is('tooMany')) return fail(503, `${server} has too many queries at the same time: try again.`);
  if (typeof code === 'string' && /^\d+$/.test(code))
    return fail(502, `${server} could not answer: ${reason}`);
  if (typeof code === 'string' || /socket hang up|ECONN|EPIPE/.test(message))
    return fail(
      502,
      `${server} cannot be reached (${[code, reason].filter(Boolean).join(': ')}): check ${OPTION}.url or TELEMETRY_CLICKHOUSE_URL, and that ` +
        'its HTTP interface (port 8123, with TLS 8443) answers this machine.',
    );
  return fail(
    502,
    `${server} did not answer as ClickHouse does (${reason}): check that ${OPTION}.url or TELEMETRY_CLICKHOUSE_URL is its HTTP interface.`,
  );
}

const isTimeout = (message: string): boolean => /^Timeout error|timed? ?out/i.test(message);

/** The name in a message such as `Unknown table expression identifier 'default.otel_traces' in scope`. */
function tableIn(message: string): string | undefined {
  return /(?:[Tt]able(?: expression identifier)?|identifier) [`']?([\w`'.-]+?)[`']?(?:\.?\s|$)/
    .exec(message)?.[1]
    ?.replace(/[`']/g, '');
}

function withoutSecret(message: string, password: string): string {
  return password.length < 4 ? message : message.replaceAll(password, '***');
}

function shorten(message: string): string {
  const line = message.replace(/\s+/g, ' ').trim();
  return line.length > MAX_MESSAGE ? `${line.slice(0, MAX_MESSAGE)}…` : line;
}
