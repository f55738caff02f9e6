import { readPort, readText, readUrl } from './environment.js';

/** Where each process listens; each is overridable by its environment variable. */
export const ports = {
  gateway: () => readPort('GATEWAY_PORT', 3000),
  orchestrator: () => readPort('ORCHESTRATOR_PORT', 3001),
  worker: () => readPort('WORKER_PORT', 3002),
  llm: () => readPort('LLM_PORT', 3003),
  redis: () => readPort('REDIS_PORT', 3004),
  postgres: () => readPort('POSTGRES_PORT', 3005),
};

/** Where each process finds the others; the defaults fit the ports above. */
export const urls = {
  orchestrator: () => readUrl('ORCHESTRATOR_URL', 'http://localhost:3001'),
  worker: () => readUrl('WORKER_URL', 'http://localhost:3002'),
  llm: () => readUrl('LLM_URL', 'http://localhost:3003'),
  redis: () => readUrl('REDIS_URL', 'redis://127.0.0.1:3004'),
  database: () => readUrl('DATABASE_URL', 'postgres://postgres:postgres@127.0.0.1:3005/postgres'),
};

/** Which interfaces are listened on: this machine's own, because nothing here is meant for a network by default. */
export const hosts = {
  service: () => readText('HOST') ?? 'localhost',
  embedded: () => readText('EMBEDDED_HOST') ?? '127.0.0.1',
};
