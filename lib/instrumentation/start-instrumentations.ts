import { type TelemetryConfig } from '../config/telemetry-config.interface.js';
import { listLoadedFilesOnce } from '../process/loaded-files.js';
import { patchLoadedBullmq } from './bullmq/patch-bullmq.js';
import { instrumentNodeHttp } from './clients/http/instrument-node-http.js';
import { instrumentUndici } from './clients/http/instrument-undici.js';
import { patchMongodb } from './clients/mongodb/instrument-mongodb.js';
import { instrumentMysql2 } from './clients/mysql/instrument-mysql.js';
import { patchPg } from './clients/pg/instrument-pg.js';
import { instrumentIoredis } from './clients/redis/instrument-ioredis.js';
import { instrumentNodeRedis } from './clients/redis/instrument-node-redis.js';
import { enableForeign, replacedByForeign } from './foreign/enable-foreign.js';
import { activateInstrumentation, type StartInstrumentation } from './instrumentation-registry.js';

/** Turns on what the configuration switches on for the whole process; returns the undo. */
export function startInstrumentations(config: TelemetryConfig): () => void {
  const undo: (() => void)[] = [];
  const { instrumentation } = config;
  const replaced = replacedByForeign(config.instrumentations);
  const activate = (enabled: boolean, name: string, start: StartInstrumentation): void => {
    if (enabled && !replaced.has(name)) undo.push(activateInstrumentation(name, start));
  };
  listLoadedFilesOnce(() => {
    activate(instrumentation.http, 'undici', instrumentUndici);
    activate(instrumentation.http, 'node-http', instrumentNodeHttp);
    activate(instrumentation.redis, 'ioredis', instrumentIoredis);
    activate(instrumentation.redis, 'node-redis', instrumentNodeRedis);
    activate(instrumentation.pg, 'pg', patchPg);
    activate(instrumentation.mysql, 'mysql2', instrumentMysql2);
    activate(instrumentation.mongodb, 'mongodb', patchMongodb);
    if (instrumentation.bullmq) undo.push(activateInstrumentation('bullmq', patchLoadedBullmq));
  });
  for (const foreign of config.instrumentations) undo.push(enableForeign(foreign));
  return () => {
    for (const stop of undo.reverse()) stop();
  };
}
