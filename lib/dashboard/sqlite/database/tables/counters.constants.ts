/** The numbers of rows, so that nobody has to count them, and what else there is one of. A change needs another `SCHEMA_VERSION`. */
export const COUNTER_TABLES = `
CREATE TABLE counters (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  -- When somebody last looked at what is stored, in milliseconds.
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
