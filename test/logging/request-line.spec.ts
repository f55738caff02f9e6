import { context, ROOT_CONTEXT, trace } from '@opentelemetry/api';

import { resetWarnings, warnOnce } from '../../lib/errors/warnings.js';
import { type FinishedRequest, writeRequestLine } from '../../lib/logging/own-lines.js';
import { type ObservedLogging, observeLogging, stopObserving } from './observe-logging.js';

const REQUEST: FinishedRequest = {
  method: 'GET',
  route: '/orders/:id',
  handler: 'OrdersController.find',
  path: '/orders/42',
  statusCode: 200,
  aborted: false,
  durationMs: 12.3456,
  failure: undefined,
  annotations: undefined,
  context: ROOT_CONTEXT,
};

describe('writeRequestLine', () => {
  let logging: ObservedLogging;

  afterEach(() => {
    stopObserving(logging);
  });

  it('writes one line with route, status and duration', () => {
    logging = observeLogging();
    writeRequestLine(REQUEST);
    expect(logging.line()).toMatchObject({
      level: 30,
      msg: 'GET /orders/:id 200 12ms',
      context: 'HTTP',
      method: 'GET',
      route: '/orders/:id',
      handler: 'OrdersController.find',
      path: '/orders/42',
      status: 200,
      duration_ms: 12.346,
    });
  });

  it('carries the ids of the server span although another context is active, and does not repeat itself on that span', () => {
    logging = observeLogging();
    const server = trace.getTracer('test').startSpan('GET /orders/:id');
    context.with(ROOT_CONTEXT, () => {
      writeRequestLine({ ...REQUEST, context: trace.setSpan(ROOT_CONTEXT, server) });
    });
    server.end();

    expect(logging.line()).toMatchObject({
      trace_id: server.spanContext().traceId,
      span_id: server.spanContext().spanId,
    });
    expect(logging.logRecords()[0]!.spanContext).toMatchObject({ spanId: server.spanContext().spanId });
    expect(logging.spans()[0]!.events).toEqual([]);
  });

  it.each([
    [200, 30],
    [304, 30],
    [404, 40],
    [500, 50],
    [503, 50],
  ])('writes status %i at level %i', (statusCode, level) => {
    logging = observeLogging();
    writeRequestLine({ ...REQUEST, statusCode });
    expect(logging.line().level).toBe(level);
  });

  it('names the path when no route matched', () => {
    logging = observeLogging();
    writeRequestLine({ ...REQUEST, route: undefined, path: '/nowhere', statusCode: 404 });
    expect(logging.line().msg).toBe('GET /nowhere 404 12ms');
  });

  it('names a client that went away, without a status that it never got', () => {
    logging = observeLogging();
    writeRequestLine({ ...REQUEST, aborted: true });
    expect(logging.line()).toMatchObject({ level: 40, msg: 'GET /orders/:id aborted 12ms', aborted: true });
    expect(logging.line()).not.toHaveProperty('status');
  });

  it('names the error, whose stack is elsewhere', () => {
    logging = observeLogging();
    writeRequestLine({ ...REQUEST, statusCode: 500, failure: { error: new TypeError('boom') } });
    expect(logging.line().err).toEqual({ type: 'TypeError', message: 'boom' });
  });

  it('writes nothing when request lines are switched off or logging has not started', () => {
    logging = observeLogging({ requestLog: false });
    writeRequestLine(REQUEST);
    expect(logging.text).toEqual([]);
    stopObserving(logging);
    writeRequestLine(REQUEST);
    expect(logging.text).toEqual([]);
  });
});

describe('the warnings of the library', () => {
  let logging: ObservedLogging;

  afterEach(() => {
    stopObserving(logging);
    resetWarnings();
  });

  it('are log lines while logging runs, and stay log lines after it', () => {
    logging = observeLogging();
    warnOnce('test:first', 'The collector does not answer.');
    logging.stop();
    warnOnce('test:second', 'Said after the stop.');

    expect(logging.lines()).toMatchObject([
      { level: 40, context: 'nestjs-telemetry', code: 'test:first', msg: 'The collector does not answer.' },
      { level: 40, context: 'nestjs-telemetry', code: 'test:second', msg: 'Said after the stop.' },
    ]);
  });
});
