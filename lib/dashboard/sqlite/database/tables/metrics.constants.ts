/** What instruments measured. A change needs another `SCHEMA_VERSION`. */
export const METRIC_TABLES = `
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
