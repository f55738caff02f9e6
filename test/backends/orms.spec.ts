import { eq } from 'drizzle-orm';
import { int, mysqlTable, varchar } from 'drizzle-orm/mysql-core';
import { drizzle as drizzleMysql } from 'drizzle-orm/mysql2';
import { drizzle } from 'drizzle-orm/node-postgres';
import { integer, pgTable, text } from 'drizzle-orm/pg-core';
import { createPool } from 'mysql2/promise';
import { instrumentPg } from 'nestjs-telemetry';
import pg from 'pg';
import { DataSource, EntitySchema } from 'typeorm';

import { describeWith } from './backend-processes.js';
import { MariadbServer } from './mariadb-server.js';
import { ObservedCalls } from './observed-calls.js';
import { PostgresServer } from './postgres-server.js';

interface Cursor extends pg.Submittable {
  read(rows: number): Promise<unknown[]>;
  close(): Promise<void>;
}

/** Comes with MikroORM, without types. */
const Cursor = jest.requireActual<new (text: string) => Cursor>('pg-cursor');

interface User {
  id: number;
  name: string;
}

const UserEntity = new EntitySchema<User>({
  name: 'User',
  tableName: 'users',
  columns: { id: { type: 'int', primary: true }, name: { type: 'varchar', length: 40 } },
});

describeWith('postgres', 'what is built on pg, on a real PostgreSQL', (binaries) => {
  let server: PostgresServer;
  let calls: ObservedCalls;
  beforeAll(async () => {
    server = await PostgresServer.start(binaries);
    await server.query('CREATE TABLE users (id INT PRIMARY KEY, name TEXT)');
    await server.query("INSERT INTO users VALUES (1, 'Ada'), (2, 'Grace'), (3, 'Linus')");
    calls = ObservedCalls.start(() => instrumentPg(pg), { pg: false });
  });
  afterAll(async () => {
    await calls.stop();
    await server.stop();
  });

  it('TypeORM: gives each statement a span, those of a transaction too', async () => {
    const source = new DataSource({ type: 'postgres', url: server.url, entities: [UserEntity] });
    await source.initialize();
    const [select, ...others] = await calls.below(() =>
      source.getRepository(UserEntity).findOneBy({ name: 'Ada' }),
    );
    const names = await calls.namesBelow(() =>
      source.transaction(async (manager) => {
        await manager.update(UserEntity, { id: 1 }, { name: 'Ada L.' });
      }),
    );
    await source.destroy();
    expect(others).toEqual([]);
    expect(select!.name).toBe('SELECT users');
    expect(select!.attributes['db.query.text']).toMatch(/WHERE \(*"User"\."name" = \$1/);
    expect(names).toEqual(['START', 'UPDATE users', 'COMMIT']);
  });

  it('Drizzle: gives each statement a span', async () => {
    const users = pgTable('users', { id: integer().primaryKey(), name: text() });
    const pool = new pg.Pool({ connectionString: server.url });
    const database = drizzle(pool);
    const names = await calls.namesBelow(async () => {
      await expect(database.select().from(users).where(eq(users.id, 2))).resolves.toEqual([
        { id: 2, name: 'Grace' },
      ]);
      await database.transaction((transaction) =>
        transaction.update(users).set({ name: 'Grace H.' }).where(eq(users.id, 2)),
      );
    });
    await pool.end();
    expect(names).toEqual(['SELECT users', 'BEGIN', 'UPDATE users', 'COMMIT']);
  });

  it('pg: follows a cursor to its end, and the failure of one without a listener', async () => {
    const client = new pg.Client({ connectionString: server.url });
    await client.connect();
    const [select, failed] = await calls.below(async () => {
      const cursor = client.query(new Cursor('SELECT id FROM users ORDER BY id'));
      expect(await cursor.read(2)).toHaveLength(2);
      await cursor.close();
      await expect(client.query(new Cursor('SELECT * FROM nowhere')).read(1)).rejects.toThrow('nowhere');
      await client.query('SELECT 1');
    });
    await client.end();
    expect(select!.name).toBe('SELECT users');
    expect(failed!.attributes['db.response.status_code']).toBe('42P01');
  });

  it('pg: leaves what COPY carries out', async () => {
    const client = new pg.Client({ connectionString: server.url });
    await client.connect();
    const [copy] = await calls.below(() => client.query("COPY users TO PROGRAM 'cat > /dev/null'"));
    await client.end();
    expect(copy!.name).toBe('COPY');
    expect(copy!.attributes['db.query.text']).toBe('COPY users TO PROGRAM ?');
  });
});

describeWith('mariadb', 'what is built on mysql2, on a real MariaDB', (binary) => {
  let server: MariadbServer;
  let calls: ObservedCalls;
  beforeAll(async () => {
    server = await MariadbServer.start(binary);
    calls = ObservedCalls.start();
  });
  afterAll(async () => {
    await calls.stop();
    await server.stop();
  });

  it('TypeORM: gives each statement a span', async () => {
    const { host, port, user: username, database } = server.connection;
    const options = { type: 'mysql', host, port, username, database } as const;
    const source = new DataSource({ ...options, entities: [UserEntity], synchronize: true });
    await source.initialize();
    const names = await calls.namesBelow(async () => {
      await source.getRepository(UserEntity).insert({ id: 1, name: 'Ada' });
      await source.getRepository(UserEntity).findOneBy({ name: 'Ada' });
    });
    await source.destroy();
    expect(names).toEqual(['INSERT users', 'SELECT users']);
  });

  it('Drizzle: gives each statement a span', async () => {
    const users = mysqlTable('users', { id: int().primaryKey(), name: varchar({ length: 40 }) });
    const pool = createPool(server.connection);
    const names = await calls.namesBelow(async () => {
      await expect(drizzleMysql({ client: pool }).select().from(users)).resolves.toEqual([
        { id: 1, name: 'Ada' },
      ]);
    });
    await pool.end();
    expect(names).toEqual(['SELECT users']);
  });
});
