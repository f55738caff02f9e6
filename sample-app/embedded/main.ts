import { followFaults } from '../service-host/fault.js';
import { announceReady, stopWithParent } from '../service-host/parent-process.js';
import { ports, urls } from '../settings/addresses.js';
import { readShare, readText } from '../settings/environment.js';
import { startLlmServer } from './llm-server.js';
import { startPostgresServer } from './postgres-server.js';
import { prepareDatabase } from './prepare-database.js';
import { startRedisServer } from './redis-server.js';

/**
 * What the services lean on, so that nothing has to be installed: PostgreSQL unless DATABASE_URL names one, Redis unless
 * REDIS_URL does, and a stand-in for a language model unless LLM_URL does.
 */
stopWithParent();
followFaults();
const running: { stop(): Promise<void> }[] = [];
const ready: Record<string, string> = {};

if (readText('LLM_URL') === undefined) {
  const llm = await startLlmServer({
    port: ports.llm(),
    slowShare: readShare('SLOW_SHARE', 0.1),
    failShare: readShare('FAIL_SHARE', 0.05),
  });
  running.push(llm);
  ready.llm = llm.url;
}
if (readText('REDIS_URL') === undefined) {
  const redis = await startRedisServer(ports.redis());
  running.push(redis);
  ready.redis = redis.url;
}
if (readText('DATABASE_URL') === undefined) {
  const postgres = await startPostgresServer(ports.postgres());
  running.push(postgres);
  ready.postgres = postgres.url;
}
try {
  await prepareDatabase(ready.postgres ?? urls.database());
} catch (error) {
  console.error('embedded: the database cannot be prepared; is DATABASE_URL right?', error);
  process.exit(1);
}
announceReady({ embedded: 'ready', ...ready });

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    void Promise.allSettled(running.map((server) => server.stop())).then(() => process.exit(0));
  });
}
