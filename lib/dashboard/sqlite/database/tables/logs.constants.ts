/** Log lines, and where their words are. A change needs another `SCHEMA_VERSION`. */
export const LOG_TABLES = `
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
