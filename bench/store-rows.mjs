// Rows as applications write them, for the bench of the store.
import { randomBytes } from 'node:crypto';

const resource = { service: 'orders', version: '1', environment: 'bench', instance: 'a', attributes: '{}' };
export const hex = (bytes) => randomBytes(bytes).toString('hex');
let ids = 0;

export function spanOf(traceId, start, parentLow, more) {
  ids += 1;
  return {
    resource,
    scope: 'bench',
    traceId,
    idHigh: 1,
    idLow: ids,
    parentHigh: parentLow === 0 ? 0 : 1,
    parentLow,
    name: 'OrderService.find',
    kind: 0,
    start,
    duration: 900,
    status: 0,
    attributes: '{"code.function.name":"OrderService.find"}',
    ...more,
  };
}

/** One request with four spans and two lines. @param kinds how many routes there are, and as many methods and statements */
export function addRequest(store, number, kinds, start = Date.now() * 1_000) {
  const traceId = hex(16);
  const kind = number % kinds;
  const route = `/orders/${kind}`;
  const failed = number % 200 === 0;
  const server = { kind: 1, name: `GET ${route}`, method: 'GET', route, outcome: failed ? '500' : '200' };
  const attributes = JSON.stringify({
    'http.route': route,
    'http.request.method': 'GET',
    'url.path': `/orders/${number}`,
  });
  // Multiples of the golden ratio spread evenly, and are the same in every run.
  const duration = Math.floor(1_000 + ((number * 0.618034) % 1) ** 4 * 200_000);
  const root = spanOf(traceId, start, 0, { ...server, status: failed ? 2 : 0, duration, attributes });
  const statement = {
    name: 'SELECT orders',
    kind: 2,
    attributes: JSON.stringify({
      'db.system.name': 'postgresql',
      'db.namespace': 'orders',
      'db.query.summary': `SELECT orders_${kind}`,
      'db.query.text': `SELECT * FROM orders_${kind} WHERE customer = $1 ORDER BY created_at DESC LIMIT 20`,
      'server.address': 'db.internal',
    }),
  };
  // As they end: children first.
  for (const more of [statement, {}, { name: `OrderService.find${kind}` }])
    store.addSpan(spanOf(traceId, start + 1, root.idLow, more));
  store.addSpan(root);
  for (let line = 0; line < 2; line += 1)
    store.addLog({
      resource,
      time: Math.floor(start / 1_000),
      level: failed ? 50 : 30,
      context: 'OrderService',
      traceId,
      spanId: hex(8),
      message: `order ${number} read for customer-${hex(4)}`,
      attributes: JSON.stringify({ id: String(number % 1_000), requestId: traceId }),
    });
}
