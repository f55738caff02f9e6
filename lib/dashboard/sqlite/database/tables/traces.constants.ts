/**
 * What was recorded of requests, messages and runs. Spans name their trace by number: that index grows at its end, while one by random
 * ids is written everywhere, and every page of it again with each change.
 *
 * A change needs another `SCHEMA_VERSION`.
 */
export const TRACE_TABLES = `
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
  links TEXT
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
