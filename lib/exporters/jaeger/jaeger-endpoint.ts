import { isIPv6 } from 'node:net';

import { type JaegerTarget } from '../../config/telemetry-config.interface.js';

/** How a Jaeger target is called in reports and warnings. */
export function jaegerEndpoint(target: JaegerTarget): string {
  if (target.transport === 'http') {
    const url = new URL(target.url);
    url.username = '';
    url.password = '';
    return url.href;
  }
  return `udp://${isIPv6(target.host) ? `[${target.host}]` : target.host}:${target.port}`;
}
