import { SpanStatusCode } from '@opentelemetry/api';
import mysql from 'mysql2';
import { createPool, type Pool, type RowDataPacket } from 'mysql2/promise';
import { getCurrentSpanId } from 'nestjs-telemetry';

import { describeWith } from './backend-processes.js';
import { MariadbServer } from './mariadb-server.js';
import { ObservedCalls } from './observed-calls.js';

describeWith('mariadb', 'mysql2 on a real MariaDB', (binary) => {
  let server: MariadbServer;
  let calls: ObservedCalls;
  let pool: Pool;
  beforeAll(async () => {
    server = await MariadbServer.start(binary);
    pool = createPool({ ...server.connection, connectionLimit: 2 });
    await pool.query('CREATE TABLE users (id INT PRIMARY KEY, name VARCHAR(40))');
    await pool.query("INSERT INTO users VALUES (1, 'Ada'), (2, 'Grace')");
    calls = ObservedCalls.start();
  });
  afterAll(async () => {
    await calls.stop();
    await pool.end();
    await server.stop();
  });

  it('gives a query one span without the values that were written into it, and measures it', async () => {
    const labels = { 'db.query.summary': 'SELECT users', 'db.system.name': 'mysql' };
    const before = await calls.measured(labels);
    const [select] = await calls.below(() =>
      pool.query('SELECT id FROM users WHERE name = ? AND id < ?', ['O\'Brien "x"', 99]),
    );
    expect(select!.name).toBe('SELECT users');
    expect(select!.attributes).toEqual({
      'db.system.name': 'mysql',
      'db.operation.name': 'SELECT',
      'db.query.summary': 'SELECT users',
      'db.query.text': 'SELECT id FROM users WHERE name = ? AND id < ?',
      'db.namespace': 'shop',
      'server.address': server.host,
      'server.port': server.port,
    });
    expect(await calls.measured(labels)).toBe(before + 1);
  });

  it('gives a prepared statement one span', async () => {
    const names = await calls.namesBelow(async () => {
      const [rows] = await pool.execute<RowDataPacket[]>('SELECT name FROM users WHERE id = ?', [1]);
      expect(rows).toEqual([{ name: 'Ada' }]);
    });
    expect(names).toEqual(['SELECT users']);
  });

  it('records the error and its code', async () => {
    const [select] = await calls.below(() => expect(pool.query('SELECT * FROM nowhere')).rejects.toThrow());
    expect(select!.status.code).toBe(SpanStatusCode.ERROR);
    expect(select!.attributes['db.response.status_code']).toBe('ER_NO_SUCH_TABLE');
  });

  it('gives the statements of a transaction a span each', async () => {
    const connection = await pool.getConnection();
    const names = await calls.namesBelow(async () => {
      await connection.beginTransaction();
      await connection.query("UPDATE users SET name = 'Ada L.' WHERE id = 1");
      await connection.rollback();
    });
    connection.release();
    expect(names).toEqual(['START', 'UPDATE users', 'ROLLBACK']);
  });

  it('keeps the caller of a query that waited for a connection, and shows the wait', async () => {
    const held = await Promise.all([pool.getConnection(), pool.getConnection()]);
    setTimeout(() => {
      for (const connection of held) connection.release();
    }, 30);
    const spans = await calls.belowWithWaits(() => pool.query('SELECT 1'));
    expect(spans.map(({ name }) => name)).toEqual(['mysql.pool.connect', 'SELECT']);
    expect(spans[0]!.attributes['db.client.connection.pool.name']).toBe(`127.0.0.1:${server.port}/shop`);
  });

  it('calls back in the context of the caller, and follows a stream to its end', async () => {
    const connection = mysql.createConnection(server.connection);
    await new Promise((resolve) => connection.query('SELECT 1', resolve));
    const rows: unknown[] = [];
    const seen: (string | undefined)[] = [];
    const names = await calls.namesBelow(async () => {
      seen.push(getCurrentSpanId());
      await new Promise<void>((resolve) => {
        connection.query('SELECT 2', () => {
          seen.push(getCurrentSpanId());
          resolve();
        });
      });
      for await (const row of connection.query('SELECT id FROM users').stream()) rows.push(row);
    });
    connection.destroy();
    expect(rows).toHaveLength(2);
    expect(seen[1]).toBe(seen[0]);
    expect(names).toEqual(['SELECT', 'SELECT users']);
  });
});
