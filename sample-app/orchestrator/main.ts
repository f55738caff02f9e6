import { startService } from '../service-host/start-service.js';
import { ports } from '../settings/addresses.js';
import { OrchestratorModule } from './orchestrator.module.js';

await startService('orchestrator', OrchestratorModule, ports.orchestrator());
