import pg from 'pg';

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS users (
    id text PRIMARY KEY,
    name text NOT NULL,
    voice text NOT NULL
  );
  CREATE TABLE IF NOT EXISTS results (
    job_id text PRIMARY KEY,
    user_id text NOT NULL REFERENCES users (id),
    summary text NOT NULL,
    words integer NOT NULL,
    saved_at timestamptz NOT NULL DEFAULT now()
  );
  INSERT INTO users (id, name, voice) VALUES
    ('ada', 'Ada', 'alto'),
    ('grace', 'Grace', 'mezzo'),
    ('linus', 'Linus', 'bass')
  ON CONFLICT (id) DO NOTHING;
`;

/** Creates the tables and users of the sample system where they are missing. */
export async function prepareDatabase(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(SCHEMA);
  } finally {
    await client.end();
  }
}
