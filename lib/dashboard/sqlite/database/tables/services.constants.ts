/** Who reports, and what it says that it has. A change needs another `SCHEMA_VERSION`. */
export const SERVICE_TABLES = `
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
  -- 0: a call that nobody in here was asked to make; a group, but no entry.
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
