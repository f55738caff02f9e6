import { startService } from '../service-host/start-service.js';
import { ports } from '../settings/addresses.js';
import { WorkerModule } from './worker.module.js';

await startService('worker', WorkerModule, ports.worker());
