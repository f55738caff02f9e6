-- The user of the page and of Grafana: it reads, and sets limits for its own queries. The exporter of the Collector makes the tables.
CREATE SETTINGS PROFILE IF NOT EXISTS reader SETTINGS readonly = 2;
CREATE USER IF NOT EXISTS reader IDENTIFIED BY 'reader' SETTINGS PROFILE reader;
GRANT SELECT ON otel.* TO reader;
