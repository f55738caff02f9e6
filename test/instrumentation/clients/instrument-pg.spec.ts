import { PGlite } from '@electric-sql/pglite';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';
import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import pg from 'pg';

import { patchPg } from '../../../lib/instrumentation/clients/pg/instrument-pg.js';
import { getCurrentSpanId } from '../../../lib/tracing/current-span.js';
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
  }, 60_000);
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

  const inSpan = <T>(fn: () => Promise<T>): Promise<T> =>
    trace.getTracer('test').startActiveSpan('caller', async (span) => {
      try {
        return await fn();
      } finally {
        span.end();
      }
    });

  it('gives a query made through a pool one CLIENT span below the active one', async () => {
    const { rows } = await inSpan(() => pool.query("select name from users where name = 'Ada'"));
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
    await expect(inSpan(() => pool.query('select * from nowhere'))).rejects.toThrow('nowhere');
    const span = tracing.span('SELECT nowhere');
    expect(span.status.code).toBe(SpanStatusCode.ERROR);
    expect(span.attributes['db.response.status_code']).toBe('42P01');
  });

  it('calls a callback back in the context of its caller', async () => {
    const client = await pool.connect();
    const seen = await inSpan(
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

  it('leaves queries outside a span alone, and does nothing once undone', async () => {
    await pool.query('select 1');
    undo();
    await inSpan(() => pool.query('select 1'));
    undo = patchPg(pg);
    expect(tracing.spans().map((span) => span.name)).toEqual(['caller']);
  });
});
