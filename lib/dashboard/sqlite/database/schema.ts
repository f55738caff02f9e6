/** The numbers of rows, kept so that no query counts them, and other single values. A change needs another `SCHEMA_VERSION`. */
const COUNTER_TABLES = `
CREATE TABLE counters (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  -- When the page was last viewed, in milliseconds.
  read_at INTEGER NOT NULL DEFAULT 0,
  spans INTEGER NOT NULL DEFAULT 0,
  pinned_spans INTEGER NOT NULL DEFAULT 0,
  logs INTEGER NOT NULL DEFAULT 0,
  points INTEGER NOT NULL DEFAULT 0,
  -- Of the points, those as collected.
  collected INTEGER NOT NULL DEFAULT 0,
  evicted INTEGER NOT NULL DEFAULT 0,
  dropped INTEGER NOT NULL DEFAULT 0,
  -- Up to this line each has been looked at for whether its trace is there.
  swept INTEGER NOT NULL DEFAULT 0
);
INSERT INTO counters (id) VALUES (1);
`;

/** Who reports, and what it says that it has. A change needs another `SCHEMA_VERSION`. */
const SERVICE_TABLES = `
CREATE TABLE services (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  version TEXT NOT NULL,
  environment TEXT NOT NULL,
  last_seen INTEGER NOT NULL
);

CREATE TABLE resources (
  id INTEGER PRIMARY KEY,
  service INTEGER NOT NULL REFERENCES services (id),
  version TEXT NOT NULL,
  environment TEXT NOT NULL,
  instance TEXT NOT NULL,
  attributes TEXT NOT NULL,
  last_seen INTEGER NOT NULL,
  UNIQUE (service, instance, attributes)
);

CREATE TABLE scopes (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);

-- What enters a service: routes, messages, runs. Each is a group that evicts for itself.
CREATE TABLE routes (
  id INTEGER PRIMARY KEY,
  service INTEGER NOT NULL REFERENCES services (id),
  method TEXT NOT NULL,
  route TEXT NOT NULL,
  handler TEXT,
  -- 0: a call without a request to this service; a group, but no entry.
  is_entry INTEGER NOT NULL,
  last_seen INTEGER,
  spans INTEGER NOT NULL DEFAULT 0,
  pinned_spans INTEGER NOT NULL DEFAULT 0,
  UNIQUE (service, method, route)
);

-- Processes that have said which routes they have, and when they last said that they are still there.
CREATE TABLE declarations (
  resource INTEGER PRIMARY KEY REFERENCES resources (id),
  service INTEGER NOT NULL REFERENCES services (id),
  seen INTEGER NOT NULL
);
CREATE TABLE declared_routes (
  route INTEGER NOT NULL REFERENCES routes (id),
  resource INTEGER NOT NULL REFERENCES resources (id),
  PRIMARY KEY (route, resource)
) WITHOUT ROWID;

-- Where the methods are whose names spans tell.
CREATE TABLE functions (
  service INTEGER NOT NULL REFERENCES services (id),
  name TEXT NOT NULL,
  file TEXT NOT NULL,
  line INTEGER NOT NULL,
  PRIMARY KEY (service, name)
) WITHOUT ROWID;
`;

/**
 * What was recorded of requests, messages and runs. Spans name their trace by number: that index grows at its end, while one by random
 * ids is written everywhere, and every page of it again with each change.
 *
 * A change needs another `SCHEMA_VERSION`.
 */
const TRACE_TABLES = `
CREATE TABLE traces (
  id INTEGER PRIMARY KEY,
  trace_id BLOB NOT NULL,
  -- The last 48 bits of the id: an index by the whole one would be twice as large, and is written at random places.
  key INTEGER NOT NULL,
  start INTEGER NOT NULL,
  finish INTEGER NOT NULL,
  -- Of the span that stands for the trace: 2 it has no parent, 1 it enters a service, 0 any.
  root_rank INTEGER NOT NULL,
  root_start INTEGER NOT NULL,
  duration INTEGER NOT NULL,
  name TEXT NOT NULL,
  service INTEGER NOT NULL,
  route INTEGER NOT NULL,
  outcome TEXT,
  span_count INTEGER NOT NULL,
  error_count INTEGER NOT NULL,
  -- Numbers of services between commas: ",1,3,".
  services TEXT NOT NULL,
  pinned INTEGER NOT NULL
);
CREATE INDEX traces_by_key ON traces (key);
CREATE INDEX traces_by_start ON traces (start);
CREATE INDEX traces_by_route ON traces (route, pinned, start);
CREATE INDEX traces_failed ON traces (start) WHERE error_count > 0;

CREATE TABLE spans (
  id INTEGER PRIMARY KEY,
  trace INTEGER NOT NULL,
  span_id BLOB NOT NULL,
  parent_id BLOB,
  resource INTEGER NOT NULL,
  scope INTEGER NOT NULL,
  name TEXT NOT NULL,
  kind INTEGER NOT NULL,
  start INTEGER NOT NULL,
  duration INTEGER NOT NULL,
  status INTEGER NOT NULL,
  status_message TEXT,
  -- Only of spans that enter a service.
  route INTEGER,
  attributes TEXT NOT NULL,
  events TEXT,
  links TEXT,
  -- How many spans it stands for; null: itself alone.
  weight INTEGER
);
CREATE INDEX spans_by_trace ON spans (trace);
CREATE INDEX spans_by_route ON spans (route, start, duration, trace) WHERE route IS NOT NULL;

-- How many entered, how long they took: what remains when spans are evicted. Several rows of a slot add up.
CREATE TABLE rollups (
  level INTEGER NOT NULL,
  slot INTEGER NOT NULL,
  route INTEGER NOT NULL,
  part INTEGER NOT NULL,
  count INTEGER NOT NULL,
  errors INTEGER NOT NULL,
  longest INTEGER NOT NULL,
  buckets BLOB NOT NULL,
  -- The slowest of those that did not fail, and of those that did.
  slow_trace INTEGER,
  slow_span BLOB,
  slow_start INTEGER,
  slow_duration INTEGER,
  failed_trace INTEGER,
  failed_span BLOB,
  failed_start INTEGER,
  failed_duration INTEGER,
  PRIMARY KEY (level, slot, route, part)
) WITHOUT ROWID;
`;

/** Log lines, and where their words are. A change needs another `SCHEMA_VERSION`. */
const LOG_TABLES = `
CREATE TABLE logs (
  -- Never given twice: the words of a line may outlive it.
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  time INTEGER NOT NULL,
  level INTEGER NOT NULL,
  service INTEGER NOT NULL,
  context TEXT,
  trace_id BLOB,
  -- As that of the trace.
  trace_key INTEGER,
  span_id BLOB,
  message TEXT NOT NULL,
  attributes TEXT,
  -- null of lines that were written before it was kept.
  resource INTEGER,
  -- 1: no error, and its trace is not in the store. Such lines go first.
  loose INTEGER NOT NULL
);
CREATE INDEX logs_by_time ON logs (time, level, service);
CREATE INDEX logs_by_trace ON logs (trace_key, time) WHERE trace_key IS NOT NULL;
CREATE INDEX logs_loose ON logs (loose) WHERE loose = 1;

-- Which lines have their words in which table; see words/word-blocks.ts.
CREATE TABLE word_blocks (
  id INTEGER PRIMARY KEY,
  first INTEGER NOT NULL,
  -- null: further lines come into this one.
  last INTEGER,
  -- How many were written, how long their texts are together, and how many of them are still there.
  lines INTEGER NOT NULL DEFAULT 0,
  chars INTEGER NOT NULL DEFAULT 0,
  live INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX word_blocks_by_first ON word_blocks (first);
`;

/** What instruments measured. A change needs another `SCHEMA_VERSION`. */
const METRIC_TABLES = `
CREATE TABLE instruments (
  id INTEGER PRIMARY KEY,
  service INTEGER NOT NULL REFERENCES services (id),
  scope TEXT NOT NULL,
  name TEXT NOT NULL,
  description TEXT NOT NULL,
  unit TEXT NOT NULL,
  type TEXT NOT NULL,
  UNIQUE (service, scope, name, type, unit)
);
CREATE TABLE series (
  id INTEGER PRIMARY KEY,
  instrument INTEGER NOT NULL REFERENCES instruments (id),
  attributes TEXT NOT NULL,
  -- JSON array of numbers; null for what is no histogram.
  boundaries TEXT,
  last_seen INTEGER NOT NULL
);
CREATE UNIQUE INDEX series_by_attributes ON series (instrument, attributes, ifnull(boundaries, ''));
CREATE TABLE points (
  level INTEGER NOT NULL,
  -- As collected: the time, so that rows are added at the end. By the minute: its hour, so that a series is read in few places.
  block INTEGER NOT NULL,
  series INTEGER NOT NULL,
  time INTEGER NOT NULL,
  value REAL NOT NULL,
  count INTEGER NOT NULL,
  buckets BLOB,
  -- Of a histogram what was recorded, of the minute of a gauge its values; null where it is not known, or the value itself.
  lowest REAL,
  highest REAL,
  PRIMARY KEY (level, block, series, time)
) WITHOUT ROWID;
CREATE TABLE exemplars (
  id INTEGER PRIMARY KEY,
  series INTEGER NOT NULL,
  time INTEGER NOT NULL,
  value REAL NOT NULL,
  trace INTEGER NOT NULL,
  span_id BLOB NOT NULL
);
CREATE INDEX exemplars_by_series ON exemplars (series, time);
CREATE INDEX exemplars_by_trace ON exemplars (trace);
`;

/**
 * Errors by service and fingerprint, added up as they are written: what is known of an error when its spans are evicted. All times are
 * milliseconds. Other tables than those above; see `ADDED_TABLES`.
 */
const ERROR_TABLES = {
  errors: `CREATE TABLE errors (
  -- Never given twice: the sums of one that was evicted must not become those of another.
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  service INTEGER NOT NULL REFERENCES services (id),
  fingerprint TEXT NOT NULL,
  type TEXT NOT NULL,
  message TEXT NOT NULL,
  count INTEGER NOT NULL,
  first_seen INTEGER NOT NULL,
  last_seen INTEGER NOT NULL,
  first_version TEXT NOT NULL,
  last_version TEXT NOT NULL,
  -- How many those stand for that were counted; null of rows that were written before it was kept.
  stands_for INTEGER,
  -- The last column: lists do not read it.
  stack TEXT,
  UNIQUE (service, fingerprint)
);
CREATE INDEX errors_by_last_seen ON errors (last_seen);`,
  // How many in each slot of time.
  error_counts: `CREATE TABLE error_counts (
  error INTEGER NOT NULL,
  level INTEGER NOT NULL,
  slot INTEGER NOT NULL,
  count INTEGER NOT NULL,
  stands_for INTEGER,
  PRIMARY KEY (error, level, slot)
) WITHOUT ROWID;`,
  // How many of each version, and of each route that failed with it.
  error_parts: `CREATE TABLE error_parts (
  error INTEGER NOT NULL,
  kind TEXT NOT NULL,
  value TEXT NOT NULL,
  count INTEGER NOT NULL,
  stands_for INTEGER,
  first_seen INTEGER NOT NULL,
  last_seen INTEGER NOT NULL,
  PRIMARY KEY (error, kind, value)
) WITHOUT ROWID;`,
  // The newest of each error; of a log line without a trace the ids are null.
  error_samples: `CREATE TABLE error_samples (
  id INTEGER PRIMARY KEY,
  error INTEGER NOT NULL,
  time INTEGER NOT NULL,
  trace_id BLOB,
  span_id BLOB
);
CREATE INDEX error_samples_by_error ON error_samples (error, time);`,
} as const;

/** What each version of a service answered by route and day. Durations are microseconds, times milliseconds; see `ADDED_TABLES`. */
const VERSION_TABLES = {
  version_sums: `CREATE TABLE version_sums (
  slot INTEGER NOT NULL,
  route INTEGER NOT NULL,
  version TEXT NOT NULL,
  part INTEGER NOT NULL,
  count INTEGER NOT NULL,
  errors INTEGER NOT NULL,
  longest INTEGER NOT NULL,
  first_seen INTEGER NOT NULL,
  last_seen INTEGER NOT NULL,
  buckets BLOB NOT NULL,
  PRIMARY KEY (slot, route, version, part)
) WITHOUT ROWID;`,
} as const;

/**
 * What the spans of each statement, call, method, request, message and job took, added up by time: what is known of them when they are
 * evicted. Durations are microseconds, times milliseconds; see `ADDED_TABLES`.
 */
const OPERATION_TABLES = {
  operations: `CREATE TABLE operations (
  -- Never given twice: the sums of one that was evicted must not become those of another.
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  service INTEGER NOT NULL REFERENCES services (id),
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  -- Database, host or destination; empty for none.
  target TEXT NOT NULL,
  -- By which its spans are found; empty for their name.
  attribute TEXT NOT NULL,
  last_seen INTEGER NOT NULL,
  UNIQUE (service, kind, name, target)
);`,
  operation_sums: `CREATE TABLE operation_sums (
  level INTEGER NOT NULL,
  slot INTEGER NOT NULL,
  operation INTEGER NOT NULL,
  part INTEGER NOT NULL,
  count INTEGER NOT NULL,
  errors INTEGER NOT NULL,
  -- Parts of traces that have it.
  traces INTEGER NOT NULL,
  self_time INTEGER NOT NULL,
  total INTEGER NOT NULL,
  longest INTEGER NOT NULL,
  buckets BLOB NOT NULL,
  PRIMARY KEY (level, slot, operation, part)
) WITHOUT ROWID;`,
} as const;

/** Processes that have started; see `writing/process-starts.ts`. Times are milliseconds; see `ADDED_TABLES`. */
const START_TABLES = {
  process_starts: `CREATE TABLE process_starts (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  service INTEGER NOT NULL REFERENCES services (id),
  version TEXT NOT NULL,
  time INTEGER NOT NULL,
  -- Of the process that started before it; null of the first.
  previous_version TEXT,
  -- null of those that were noted before they were kept.
  environment TEXT,
  process TEXT
);`,
} as const;

/** What each process said of itself: CPU, memory, event loop; see `process-rows.ts`, and `ADDED_TABLES`. Times are milliseconds. */
const PROCESS_TABLES = {
  process_rows: `CREATE TABLE process_rows (
  level INTEGER NOT NULL,
  resource INTEGER NOT NULL,
  time INTEGER NOT NULL,
  -- JSON object by metric.
  figures TEXT NOT NULL,
  PRIMARY KEY (level, resource, time)
) WITHOUT ROWID;
CREATE INDEX process_rows_by_time ON process_rows (level, time);`,
  // How the telemetry of each process does; see `process-health.ts`.
  process_health: `CREATE TABLE process_health (
  resource INTEGER PRIMARY KEY,
  first_seen INTEGER NOT NULL,
  last_seen INTEGER NOT NULL,
  -- 1: it said that it ends.
  ended INTEGER NOT NULL,
  -- JSON object, of a process that writes to this store.
  report TEXT,
  -- JSON object of numbers by series, of a process that sends its metrics.
  totals TEXT
);
CREATE INDEX process_health_by_time ON process_health (last_seen);`,
} as const;

/** What processes that share the file ask of each other; see `processes/stored-commands.ts`, and `ADDED_TABLES`. Times are milliseconds. */
const COMMAND_TABLES = {
  commands: `CREATE TABLE commands (
  id TEXT PRIMARY KEY,
  -- The process that is asked.
  resource INTEGER NOT NULL,
  kind TEXT NOT NULL,
  -- JSON object.
  details TEXT NOT NULL,
  asked_by TEXT NOT NULL,
  asked_at INTEGER NOT NULL,
  -- asked, running, stopping, done or failed.
  state TEXT NOT NULL,
  stopped_by TEXT,
  -- JSON object of the process that was asked.
  answer TEXT,
  -- The last column: lists do not read it.
  result BLOB
);
CREATE INDEX commands_by_process ON commands (resource, state);`,
} as const;

/** Written into the header of each file of ours ("NTlm"), so that no other database is ever taken for one. */
export const APPLICATION_ID = 0x4e546c6d;

/** `PRAGMA user_version`; raise it with every change of a table that other versions could not read. */
export const SCHEMA_VERSION = 3;

/**
 * Columns that came without another `SCHEMA_VERSION`. They may be null, so that a file of an earlier version gets them when it is opened and
 * keeps its rows, and an earlier version goes on with a file that has them.
 */
export const ADDED_COLUMNS = [
  { table: 'points', column: 'lowest', type: 'REAL' },
  { table: 'points', column: 'highest', type: 'REAL' },
  { table: 'logs', column: 'resource', type: 'INTEGER' },
  { table: 'process_starts', column: 'environment', type: 'TEXT' },
  { table: 'process_starts', column: 'process', type: 'TEXT' },
  { table: 'spans', column: 'weight', type: 'INTEGER' },
  { table: 'errors', column: 'stands_for', type: 'INTEGER' },
  { table: 'error_counts', column: 'stands_for', type: 'INTEGER' },
  { table: 'error_parts', column: 'stands_for', type: 'INTEGER' },
] as const;

/**
 * Tables that came without another `SCHEMA_VERSION`, by their name. A file of an earlier version gets those it lacks, with their indexes,
 * when it is opened, and an earlier version goes on with a file that has them.
 */
export const ADDED_TABLES: Readonly<Record<string, string>> = {
  ...ERROR_TABLES,
  ...VERSION_TABLES,
  ...OPERATION_TABLES,
  ...START_TABLES,
  ...PROCESS_TABLES,
  ...COMMAND_TABLES,
};

/** Times of spans are microseconds since the epoch, those of logs and points milliseconds; ids of traces and spans are blobs. */
export const SCHEMA = COUNTER_TABLES + SERVICE_TABLES + TRACE_TABLES + LOG_TABLES + METRIC_TABLES;
