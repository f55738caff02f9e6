import { decideAll, option, type OptionsOf, type ValuesIn } from './declare-options.js';
import { type Parsed } from './endpoints.js';
import {
  endpoint,
  HIDDEN,
  must,
  number,
  type OptionRule,
  renderKind,
  shape,
  text,
  wholeNumber,
} from './option-rules.js';

/** Names of the tables that the Collector's exporter makes. */
export interface ClickHouseTables {
  /** Spans; beside it is one with `_trace_id_ts` at the end of its name. Default `otel_traces`. */
  traces?: string;
  /** Log lines. Default `otel_logs`. */
  logs?: string;
  /** Begin of the names of the tables of metrics: `_gauge`, `_sum` and `_histogram` are appended. Default `otel_metrics`. */
  metrics?: string;
}

/** Certificates for an `https:` address, each as the text of its PEM file. */
export interface ClickHouseTls {
  /** Certificate of the authority that signed that of the server. Default: those that Node.js trusts. */
  ca?: string;
  /** Certificate of this client, where the server requires one. Default none. */
  cert?: string;
  /** Private key of `cert`. Default none. */
  key?: string;
}

/** A ClickHouse that the Collector's exporter fills. */
export interface ClickHouseOptions {
  /**
   * Address of its HTTP interface, without user and password, for example `http://localhost:8123`.
   *
   * Default none. Env `TELEMETRY_CLICKHOUSE_URL`.
   */
  url?: string;
  /** User that may read the tables. Default `default`. Env `TELEMETRY_CLICKHOUSE_USERNAME`. */
  username?: string;
  /** Password of the user. Default none. Env `TELEMETRY_CLICKHOUSE_PASSWORD`. */
  password?: string;
  /** Database of the tables. Default `default`. Env `TELEMETRY_CLICKHOUSE_DATABASE`. */
  database?: string;
  /** Names of the tables. Default: those of the Collector's exporter. */
  tables?: ClickHouseTables;
  /** Certificates for an `https:` address. Default: what Node.js trusts. */
  tls?: ClickHouseTls;
  /** Seconds after which ClickHouse ends a query. Default 20. */
  maxSeconds?: number;
  /** Rows that one query may read. Default 1000000000. */
  maxRows?: number;
  /** Bytes that one query may read, after decompression. Default 100000000000. */
  maxBytes?: number;
}

/** `dashboard.source.clickhouse`, resolved. */
export interface ClickHouseConfig extends Readonly<Omit<Required<ClickHouseOptions>, 'tables' | 'tls'>> {
  readonly tables: Readonly<Required<ClickHouseTables>>;
  readonly tls: Readonly<ClickHouseTls>;
}

/** Longest name of a table or database of ClickHouse. */
const NAME = /^[A-Za-z_][\w-]{0,199}$/;

const name = must(
  (value) => typeof value === 'string' && NAME.test(value),
  'Write a name of letters, digits, _ and -, that begins with a letter or _.',
);

/** A value that no message shows. */
const secret: OptionRule = {
  check: (value, option, report) => {
    if (typeof value !== 'string')
      report(option, renderKind(value), 'Write a text, and check that its source is set.');
  },
};

const pem: OptionRule = {
  check: (value, option, report) => {
    if (typeof value !== 'string' || !value.includes('-----BEGIN '))
      report(option, HIDDEN, "Write the text of a PEM file, for example of readFileSync('ca.pem', 'utf8').");
  },
};

const TABLES = {
  traces: option(name, { default: 'otel_traces' }),
  logs: option(name, { default: 'otel_logs' }),
  metrics: option(name, { default: 'otel_metrics' }),
} satisfies OptionsOf<ClickHouseTables>;

const TLS = {
  ca: option(pem, {}),
  cert: option(pem, {}),
  key: option(pem, {}),
} satisfies OptionsOf<ClickHouseTls>;

const EXAMPLE = 'http://localhost:8123';

const CLICKHOUSE = {
  url: option(endpoint(parseClickHouseUrl, EXAMPLE), {
    env: {
      TELEMETRY_CLICKHOUSE_URL: {
        kind: 'endpoint',
        parse: parseClickHouseUrl,
        meaning:
          'Address of the HTTP interface of a ClickHouse that the dashboard shows instead of the embedded store.',
      },
    },
    see: 'clickhouse.md',
  }),
  username: option(text('the name of a user'), {
    default: 'default',
    env: { TELEMETRY_CLICKHOUSE_USERNAME: { kind: 'text', meaning: 'User that may read the tables.' } },
  }),
  password: option(secret, {
    env: { TELEMETRY_CLICKHOUSE_PASSWORD: { kind: 'text', meaning: 'Password of the user.' } },
  }),
  database: option(name, {
    default: 'default',
    env: { TELEMETRY_CLICKHOUSE_DATABASE: { kind: 'text', meaning: 'Database of the tables.' } },
  }),
  tables: option(shape(TABLES, "an object of names, for example { traces: 'otel_traces' }"), {}),
  tls: option(shape(TLS, 'an object with ca, cert and key'), {}),
  maxSeconds: option(number(0.1, 3_600, 'a number of seconds from 0.1 to 3600'), { default: 20 }),
  maxRows: option(wholeNumber('a whole number of at least 1000', 1_000), { default: 1e9 }),
  maxBytes: option(wholeNumber('a whole number of bytes of at least 1000000', 1e6), { default: 1e11 }),
} satisfies OptionsOf<ClickHouseOptions>;

export const clickHouseRule = shape(CLICKHOUSE, `an object, for example { url: '${EXAMPLE}' }`);

export type ClickHouseValues = ValuesIn<typeof CLICKHOUSE>;

/** Where the telemetry of a fleet is read; undefined where no address is set. */
export function resolveClickHouse(
  given: ClickHouseOptions = {},
  env: ClickHouseValues,
): ClickHouseConfig | undefined {
  const { url, password = '', tables = {}, tls = {}, ...rest } = decideAll(CLICKHOUSE, given, env);
  if (url === undefined) return undefined;
  return Object.freeze({
    ...rest,
    url,
    password,
    tables: Object.freeze(decideAll(TABLES, tables, {})),
    tls: Object.freeze({ ...tls }),
  });
}

function parseClickHouseUrl(address: string): Parsed<string> {
  if (!/^https?:\/\//i.test(address))
    return { remedy: `Begin with http:// or https://, for example ${EXAMPLE}.` };
  const url = URL.parse(address);
  if (url === null) return { remedy: `Write an address such as ${EXAMPLE}.` };
  if (url.username !== '' || url.password !== '')
    return {
      remedy:
        'Write the address without user and password: these belong into username and password, or TELEMETRY_CLICKHOUSE_USERNAME and TELEMETRY_CLICKHOUSE_PASSWORD.',
    };
  if (url.search !== '' || url.hash !== '')
    return { remedy: 'Write the address without ? and #: database and limits are options of their own.' };
  return { value: address };
}
