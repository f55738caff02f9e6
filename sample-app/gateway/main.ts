import { startService } from '../service-host/start-service.js';
import { ports } from '../settings/addresses.js';
import { GatewayModule } from './gateway.module.js';

await startService('gateway', GatewayModule, ports.gateway());
