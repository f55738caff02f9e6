import { defineInstrumentation } from '../../define-instrumentation.js';
import { instrumentIoredis, patchIoredisModule } from './instrument-ioredis.js';
import { instrumentNodeRedis } from './instrument-node-redis.js';

export const redis = defineInstrumentation({
  packages: ['ioredis', 'redis', '@redis/client'],
  clients: {
    ioredis: { replaces: ['@opentelemetry/instrumentation-ioredis'], start: instrumentIoredis },
    'node-redis': {
      replaces: ['@opentelemetry/instrumentation-redis', '@opentelemetry/instrumentation-redis-4'],
      start: instrumentNodeRedis,
    },
  },
  patch: patchIoredisModule,
});
