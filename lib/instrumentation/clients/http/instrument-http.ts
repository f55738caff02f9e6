import { defineInstrumentation } from '../../define-instrumentation.js';
import { instrumentNodeHttp } from './instrument-node-http.js';
import { instrumentUndici } from './instrument-undici.js';

export const http = defineInstrumentation({
  packages: ['undici'],
  clients: {
    undici: { replaces: ['@opentelemetry/instrumentation-undici'], start: instrumentUndici },
    'node-http': { replaces: ['@opentelemetry/instrumentation-http'], start: instrumentNodeHttp },
  },
});
