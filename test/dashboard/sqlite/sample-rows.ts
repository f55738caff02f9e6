import {
  SPAN_KIND,
  type StoredLog,
  type StoredResource,
  type StoredSpan,
} from '../../../lib/dashboard/sqlite/rows.interface.js';
import { createRandom } from '../../support/random.js';

let random = createRandom(1);
/** Gives a process ids of its own, where several write into one file. */
export const seedRows = (seed: string): void => {
  random = createRandom(Buffer.from(seed).reduce((sum, byte) => sum * 31 + byte, 7));
};

export const newTraceId = (): string => random.hex(32);
export const newSpanId = (): string => random.hex(16);

export function resourceOf(service: string, more: Partial<StoredResource> = {}): StoredResource {
  return {
    service,
    version: '1.0.0',
    environment: 'test',
    instance: `${service}-1`,
    attributes: JSON.stringify({ 'service.name': service }),
    ...more,
  };
}

export const ORDERS = resourceOf('orders');

let nextId = 1;

/** A request to `GET /orders/:id` that took 5 ms, just now, unless `more` says otherwise. */
export function spanOf(more: Partial<StoredSpan> & { readonly spanId?: string } = {}): StoredSpan {
  const { spanId, ...rest } = more;
  nextId += 1;
  return {
    resource: ORDERS,
    scope: 'test',
    traceId: newTraceId(),
    idHigh: spanId === undefined ? 1 : Number.parseInt(spanId.slice(0, 8), 16) | 0,
    idLow: spanId === undefined ? nextId : Number.parseInt(spanId.slice(8), 16) | 0,
    parentHigh: 0,
    parentLow: 0,
    name: 'GET /orders/:id',
    kind: SPAN_KIND.server,
    start: Date.now() * 1_000,
    duration: 5_000,
    status: 0,
    statusMessage: undefined,
    attributes: '{}',
    events: undefined,
    links: undefined,
    method: 'GET',
    route: '/orders/:id',
    outcome: '200',
    ...rest,
  };
}

export function logOf(more: Partial<StoredLog> = {}): StoredLog {
  return {
    resource: ORDERS,
    time: Date.now(),
    level: 30,
    context: 'OrderService',
    traceId: undefined,
    spanId: undefined,
    message: 'Processing started',
    attributes: undefined,
    ...more,
  };
}
