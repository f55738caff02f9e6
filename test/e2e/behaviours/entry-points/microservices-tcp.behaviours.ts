import { Transport } from '@nestjs/microservices';

import { freePort } from '../../../support/free-port.js';
import { type Platform } from '../platform.js';
import { describeTransport } from './microservices-transport.behaviours.js';

export function describeTcp(platform: Platform): void {
  describeTransport(platform, 'TCP', async () => {
    const options = { host: '127.0.0.1', port: await freePort() };
    return {
      name: 'tcp',
      address: '127.0.0.1',
      server: { transport: Transport.TCP, options },
      client: { transport: Transport.TCP, options },
    };
  });
}
