// Starts telemetry before any driver is loaded, then uses drivers that are: by import(), and by a library that requires
// them lazily. The servers are named in the environment. Prints the names of the client spans of each.
import { createRequire } from 'node:module';

import { configureTelemetry, getTelemetry } from 'nestjs-telemetry';
import { createTelemetryProbe } from 'nestjs-telemetry/testing';

const { POSTGRES_URL, REDIS_URL, MONGODB_URL } = process.env;
const probe = createTelemetryProbe();
const telemetry = configureTelemetry({ ...probe.options, instrumentation: { runtimeMetrics: false } });

const recorded = {};
async function record(name, work) {
  probe.reset();
  await getTelemetry('late').trace('caller', work);
  const caller = probe.span('caller').spanContext().spanId;
  recorded[name] = probe
    .spans()
    .filter((span) => span.parentSpanContext?.spanId === caller && span.name !== 'pg.pool.connect')
    .map((span) => span.name);
}

if (POSTGRES_URL !== undefined) {
  // TypeORM requires pg when a DataSource is made.
  const { DataSource } = await import('typeorm');
  const source = new DataSource({ type: 'postgres', url: POSTGRES_URL });
  await source.initialize();
  await record('typeorm', () => source.query('SELECT 1'));
  await source.destroy();

  const { default: pg } = await import('pg');
  const client = new pg.Client({ connectionString: POSTGRES_URL });
  await client.connect();
  await record('pg', () => client.query('SELECT 1'));
  await client.end();

  const { defineEntity, MikroORM, p } = await import('@mikro-orm/postgresql');
  const Thing = defineEntity({
    name: 'Thing',
    tableName: 'things',
    properties: { id: p.integer().primary(), name: p.string() },
  });
  const orm = await MikroORM.init({ clientUrl: POSTGRES_URL, entities: [Thing] });
  await orm.schema.drop();
  await orm.schema.create();
  await record('mikro-orm', async () => {
    const manager = orm.em.fork();
    manager.create(Thing, { id: 1, name: 'a' });
    await manager.flush();
  });
  await orm.close();
}
if (REDIS_URL !== undefined) {
  const { Redis } = await import('ioredis');
  const redis = new Redis(REDIS_URL);
  await record('ioredis', async () => {
    // Not connected yet: this waits.
    await redis.set('a', '1');
    await redis.pipeline().get('a').get('b').exec();
  });
  redis.disconnect();
  const { createClient } = createRequire(import.meta.url)('redis');
  const client = await createClient({ url: REDIS_URL }).connect();
  await record('redis', () => client.get('a'));
  client.destroy();
}
if (MONGODB_URL !== undefined) {
  const { MongoClient } = await import('mongodb');
  const client = new MongoClient(MONGODB_URL);
  await record('mongodb', () => client.db('late').collection('things').findOne({}));
  await client.close();
  const { default: mongoose } = await import('mongoose');
  const connection = await mongoose.createConnection(MONGODB_URL).asPromise();
  const Thing = connection.model('Thing', new mongoose.Schema({ name: String }));
  await Thing.init();
  await record('mongoose', () => Thing.findOne({ name: 'a' }));
  await connection.close();
}
await telemetry.shutdown();
console.log(JSON.stringify(recorded));
