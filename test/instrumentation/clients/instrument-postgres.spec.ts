import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { PGlite } from '@electric-sql/pglite';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';
import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { instrument } from 'nestjs-telemetry';
import postgres from 'postgres';

import { getCurrentSpanId } from '../../../lib/tracing/trace-context.js';
import { startTracing, type TestTracing } from '../../support/start-tracing.js';

describe("instrument('postgres')", () => {
  let tracing: TestTracing;
  let database: PGlite;
  let server: PGLiteSocketServer;
  let sql: postgres.Sql;
  let undo: () => void;

  const connect = (): postgres.Sql =>
    postgres({
      host: '127.0.0.1',
      port: Number(server.getServerConn().split(':').at(-1)),
      user: 'postgres',
      database: 'postgres',
      max: 1,
    });

  beforeAll(async () => {
    tracing = startTracing();
    database = await PGlite.create();
    await database.exec(
      'create table users (id int primary key, name text); insert into users values (1, $$Ada$$), (2, $$Grace$$)',
    );
    server = new PGLiteSocketServer({ db: database, port: 0, host: '127.0.0.1', maxConnections: 5 });
    await server.start();
    sql = connect();
    undo = instrument('postgres', sql);
  });
  beforeEach(() => {
    tracing.reset();
  });
  afterAll(async () => {
    undo();
    await sql.end();
    await server.stop();
    await database.close();
    tracing.stop();
  });

  const clientSpans = () => tracing.spans().filter(({ kind }) => kind === SpanKind.CLIENT);

  it('gives a query one CLIENT span below the active one, with placeholders for its values', async () => {
    const rows = await tracing.below(() => sql`select name from users where name = ${'Ada'} and id < 5`);
    expect([...rows]).toEqual([{ name: 'Ada' }]);
    const span = tracing.span('SELECT users');
    expect(clientSpans()).toEqual([span]);
    expect(span.parentSpanContext?.spanId).toBe(tracing.span('caller').spanContext().spanId);
    expect(span.attributes).toMatchObject({
      'db.system.name': 'postgresql',
      'db.query.text': 'select name from users where name = $1 and id < ?',
      'db.operation.name': 'SELECT',
      'db.query.summary': 'SELECT users',
      'db.namespace': 'postgres',
      'server.address': '127.0.0.1',
    });
  });

  it('writes out helpers and parts of queries, without their values', async () => {
    const onlyFirst = sql`where id = ${1}`;
    await tracing.below(() => sql`select ${sql('name')} from ${sql('users')} ${onlyFirst}`);
    expect(tracing.span('SELECT users').attributes['db.query.text']).toBe(
      'select "name" from "users" where id = $1',
    );
    tracing.reset();
    await tracing.below(() => sql`insert into users ${sql({ id: 7, name: 'secret' })}`);
    const text = tracing.span('INSERT users').attributes['db.query.text'];
    expect(text).toMatch(/^insert into users \("id","name"\) ?values ?\(\$1,\$2\)$/);
    await sql`delete from users where id = 7`;
  });

  it('records a query that is built from text', async () => {
    await tracing.below(() => sql.unsafe("select * from users where name = 'Ada'"));
    expect(tracing.span('SELECT users').attributes['db.query.text']).toBe(
      'select * from users where name = ?',
    );
  });

  it('records a query that is read from a file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'postgres-'));
    writeFileSync(join(folder, 'users.sql'), 'select name from users where id = 1');
    await tracing.below(() => sql.file(join(folder, 'users.sql')));
    rmSync(folder, { recursive: true });
    expect(tracing.span('SELECT users').attributes).toMatchObject({
      'db.query.text': 'select name from users where id = ?',
      'db.operation.name': 'SELECT',
    });
  });

  it('records the error and its code, and rejects with the same error', async () => {
    const query = tracing.below(() => sql`select * from nowhere`);
    await expect(query).rejects.toMatchObject({ code: '42P01' });
    const span = tracing.span('SELECT nowhere');
    expect(span.status.code).toBe(SpanStatusCode.ERROR);
    expect(span.attributes['db.response.status_code']).toBe('42P01');
  });

  it('records nothing of a query that is never awaited, and one span where it is awaited twice', async () => {
    await tracing.below(async () => {
      // A query that is never sent: a part of others.
      void Object(sql`select 1`);
      const query = sql`select name from users`;
      await Promise.all([query, query]);
    });
    expect(clientSpans()).toHaveLength(1);
  });

  it('records each statement of a transaction below the span that began it', async () => {
    await tracing.below(() =>
      sql.begin(async (transaction) => {
        await transaction`select name from users`;
      }),
    );
    const caller = tracing.span('caller').spanContext().spanId;
    expect(clientSpans().map(({ name, parentSpanContext }) => [name, parentSpanContext?.spanId])).toEqual([
      ['BEGIN', caller],
      ['SELECT users', caller],
      ['COMMIT', caller],
    ]);
  });

  it('ends the span of a cursor with its last row, however far it was read', async () => {
    const names: string[] = [];
    await tracing.below(async () => {
      for await (const [row] of sql<{ name: string }[]>`select name from users order by id`.cursor())
        names.push(row!.name);
    });
    expect(names).toEqual(['Ada', 'Grace']);
    expect(clientSpans().map(({ name }) => name)).toEqual(['SELECT users']);
    tracing.reset();
    await tracing.below(async () => {
      for await (const rows of sql`select name from users order by id`.cursor()) if (rows.length > 0) break;
    });
    await sql`select 1`;
    expect(clientSpans().map(({ name, status }) => [name, status.code])).toEqual([
      ['SELECT users', SpanStatusCode.UNSET],
    ]);
  });

  it('calls back for each row in the context of the caller', async () => {
    const seen: (string | undefined)[] = [];
    await tracing.below(() =>
      sql`select name from users`.forEach(() => {
        seen.push(getCurrentSpanId());
      }),
    );
    const caller = tracing.span('caller').spanContext().spanId;
    expect(seen).toEqual([caller, caller]);
  });

  it('records nothing of what a new connection asks by itself, and nothing outside of a span', async () => {
    const other = connect();
    await tracing.below(() => other`select name from users`);
    expect(clientSpans()).toHaveLength(1);
    tracing.reset();
    await other`select name from users`;
    await other.end();
    expect(clientSpans()).toEqual([]);
  });

  it('records nothing once it is undone, and again after the next call', async () => {
    undo();
    await tracing.below(() => sql`select name from users`);
    expect(clientSpans()).toEqual([]);
    undo = instrument('postgres', sql);
    await tracing.below(() => sql`select name from users`);
    expect(clientSpans()).toHaveLength(1);
  });
});
