import { PGlite } from '@electric-sql/pglite';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';
import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import pg from 'pg';

import { patchPg } from '../../../lib/instrumentation/clients/pg/instrument-pg.js';
import { getCurrentSpanId } from '../../../lib/tracing/trace-context.js';
import { startTracing, type TestTracing } from '../../support/start-tracing.js';

describe('instrumentPg()', () => {
  let tracing: TestTracing;
  let database: PGlite;
  let server: PGLiteSocketServer;
  let pool: pg.Pool;
  let undo: () => void;

  beforeAll(async () => {
    tracing = startTracing();
    database = await PGlite.create();
    await database.exec(
      'create table users (id int primary key, name text); insert into users values (1, $$Ada$$)',
    );
    server = new PGLiteSocketServer({ db: database, port: 0, host: '127.0.0.1', maxConnections: 5 });
    await server.start();
    const port = Number(server.getServerConn().split(':').at(-1));
    pool = new pg.Pool({
      host: '127.0.0.1',
      port,
      user: 'postgres',
      password: 'postgres',
      database: 'postgres',
      max: 2,
    });
    undo = patchPg(pg);
  });
  beforeEach(() => {
    tracing.reset();
  });
  afterAll(async () => {
    undo();
    await pool.end();
    await server.stop();
    await database.close();
    tracing.stop();
  });

  it('gives a query made through a pool one CLIENT span below the active one', async () => {
    const { rows } = await tracing.below(() => pool.query("select name from users where name = 'Ada'"));
    expect(rows).toEqual([{ name: 'Ada' }]);
    const span = tracing.span('SELECT users');
    expect(span.kind).toBe(SpanKind.CLIENT);
    expect(span.parentSpanContext?.spanId).toBe(tracing.span('caller').spanContext().spanId);
    expect(span.attributes).toMatchObject({
      'db.system.name': 'postgresql',
      'db.query.text': 'select name from users where name = ?',
      'db.operation.name': 'SELECT',
      'db.namespace': 'postgres',
      'server.address': '127.0.0.1',
    });
  });

  it('records the error and its code', async () => {
    await expect(tracing.below(() => pool.query('select * from nowhere'))).rejects.toThrow('nowhere');
    const span = tracing.span('SELECT nowhere');
    expect(span.status.code).toBe(SpanStatusCode.ERROR);
    expect(span.attributes['db.response.status_code']).toBe('42P01');
  });

  it('calls a callback back in the context of its caller', async () => {
    const client = await pool.connect();
    const seen = await tracing.below(
      () =>
        new Promise((resolve) => {
          client.query('select 1', () => {
            resolve(getCurrentSpanId());
          });
        }),
    );
    client.release();
    expect(seen).toBe(tracing.span('caller').spanContext().spanId);
    expect(tracing.span('SELECT').parentSpanContext?.spanId).toBe(seen);
  });

  it('keeps the caller of a query that waited for a connection in use', async () => {
    const single = new pg.Pool({ ...pool.options, max: 1 });
    try {
      const held = await single.connect();
      const waiting = tracing.below(() => single.query('select 1 as waited'));
      await new Promise((resolve) => setTimeout(resolve, 20));
      await trace.getTracer('test').startActiveSpan('releaser', async (span) => {
        held.release();
        span.end();
      });
      await waiting;
    } finally {
      await single.end();
    }
    const caller = tracing.span('caller').spanContext().spanId;
    expect(tracing.span('SELECT').parentSpanContext?.spanId).toBe(caller);
    const wait = tracing.span('pg.pool.connect');
    expect(wait.parentSpanContext?.spanId).toBe(caller);
    expect(wait.attributes['db.client.connection.pool.name']).toMatch(/^127\.0\.0\.1:\d+\/postgres$/);
    expect(wait.duration[0] * 1000 + wait.duration[1] / 1e6).toBeGreaterThan(10);
  });

  it('records that no connection came free in time', async () => {
    const single = new pg.Pool({ ...pool.options, max: 1, connectionTimeoutMillis: 30 });
    const held = await single.connect();
    await expect(tracing.below(() => single.query('select 1'))).rejects.toThrow('timeout');
    held.release();
    await single.end();
    expect(tracing.span('pg.pool.connect').status.code).toBe(SpanStatusCode.ERROR);
  });

  it('names a prepared statement, also when it is run again by its name alone', async () => {
    const client = await pool.connect();
    await tracing.below(async () => {
      await client.query({ name: 'user-by-id', text: 'select name from users where id = $1', values: [1] });
      await client.query({ name: 'user-by-id', values: [1] } as unknown as string);
    });
    client.release();
    const spans = tracing.spans().filter(({ name }) => name === 'SELECT users');
    expect(spans.map(({ attributes }) => attributes['nestjs.db.prepared_statement'])).toEqual([
      'user-by-id',
      'user-by-id',
    ]);
  });

  it('records at its end what a transaction took', async () => {
    const client = await pool.connect();
    await tracing.below(async () => {
      await client.query('begin');
      await client.query('savepoint before');
      await client.query('select name from users');
      await client.query('rollback to savepoint before');
      await client.query('commit');
      await client.query('select 1');
    });
    client.release();
    expect(tracing.span('COMMIT').attributes).toMatchObject({
      'nestjs.db.transaction.statements': 3,
      'nestjs.db.transaction.duration': expect.any(Number) as number,
    });
    expect(tracing.span('SELECT').attributes).not.toHaveProperty('nestjs.db.transaction.statements');
  });

  it('follows a query object that only emits events', async () => {
    const client = await pool.connect();
    const query = new pg.Query('select name from users');
    const rows: unknown[] = [];
    await tracing.below(
      () =>
        new Promise<void>((resolve, reject) => {
          query.on('row', (row) => rows.push(row));
          query.on('error', reject);
          query.on('end', () => {
            resolve();
          });
          client.query(query);
        }),
    );
    client.release();
    expect(rows).toEqual([{ name: 'Ada' }]);
    expect(tracing.span('SELECT users').status.code).toBe(SpanStatusCode.UNSET);
  });

  it('stands aside where another instrumentation has wrapped pg', async () => {
    undo();
    const original = pg.Client.prototype.query;
    const theirs = Object.assign(
      function (this: pg.Client, ...args: []): unknown {
        return Reflect.apply(original, this, args);
      },
      { __wrapped: true, __original: original },
    );
    Object.assign(pg.Client.prototype, { query: theirs });
    const undoNothing = patchPg(pg);
    await tracing.below(() => pool.query('select 1'));
    undoNothing();
    expect(pg.Client.prototype.query).toBe(theirs);
    Object.assign(pg.Client.prototype, { query: original });
    undo = patchPg(pg);
    expect(tracing.spans().map((span) => span.name)).toEqual(['caller']);
  });

  it('passes calls through once undone below a later patch, and can start again', async () => {
    const ours = pg.Client.prototype.query;
    const theirs = function (this: pg.Client, ...args: []): unknown {
      return Reflect.apply(ours, this, args);
    };
    Object.assign(pg.Client.prototype, { query: theirs });
    undo();
    await tracing.below(() => pool.query('select 1'));
    expect(tracing.spans().map((span) => span.name)).toEqual(['caller']);
    undo = patchPg(pg);
    tracing.reset();
    await tracing.below(() => pool.query('select 1'));
    expect(tracing.spans().map((span) => span.name)).toEqual(['SELECT', 'caller']);
    Object.assign(pg.Client.prototype, { query: ours });
  });

  it('leaves queries outside a span alone, and does nothing once undone', async () => {
    await pool.query('select 1');
    undo();
    await tracing.below(() => pool.query('select 1'));
    undo = patchPg(pg);
    expect(tracing.spans().map((span) => span.name)).toEqual(['caller']);
  });
});
