import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { type ReadableSpan } from '@opentelemetry/sdk-trace';

import { type Platform } from '../platform.js';
import { type Caller, newCaller, type RunningApp } from '../running-app.js';
import { ask, FLAVOURS, startApp, valueOf } from './graphql-application.js';

/** Operations and resolvers of requests. */
export function describeGraphql(platform: Platform): void {
  describe.each(FLAVOURS)('GraphQL with $name', (flavour) => {
    let app: RunningApp;
    let caller: Caller;
    beforeAll(async () => {
      app = await startApp(platform, flavour);
    });
    afterAll(() => app.stop());
    beforeEach(() => {
      caller = newCaller();
    });

    const span = (name: string): Promise<ReadableSpan> => app.spans.named(caller.traceId, name);
    const inTrace = (name: string): ReadableSpan[] =>
      app.spans.inTrace(caller.traceId).filter((each) => each.name === name);

    it('has a span for the operation below that of its request, and resolvers below it', async () => {
      const query = 'query GetOrders { orders(count: 1) { id } }';
      const result = await ask(app, { query }, caller);
      expect(result.data).toEqual({ orders: [{ id: 0 }] });
      const server = await app.spans.server(caller.traceId);
      const operation = await span('query GetOrders');
      const resolver = await span('OrdersResolver.orders');
      expect(server.name).toBe('POST /graphql');
      expect(server.attributes).toMatchObject({
        'http.route': '/graphql',
        'graphql.operation.name': 'GetOrders',
        'graphql.operation.type': 'query',
      });
      expect(operation.kind).toBe(SpanKind.INTERNAL);
      expect(operation.parentSpanContext?.spanId).toBe(server.spanContext().spanId);
      expect(operation.attributes).toEqual({
        'graphql.operation.name': 'GetOrders',
        'graphql.operation.type': 'query',
        'graphql.document': 'query GetOrders { orders(count: *) { id } }',
      });
      expect(operation.status.code).toBe(SpanStatusCode.UNSET);
      expect(resolver.parentSpanContext?.spanId).toBe(operation.spanContext().spanId);
      expect(resolver.attributes).toMatchObject({
        'code.function.name': 'OrdersResolver.orders',
        'nestjs.graphql.field': 'Query.orders',
      });
      expect(await app.log.withMessage('orders were asked for')).toHaveProperty('trace_id');
    });

    it('gives a log line of a resolver the span of the resolver', async () => {
      app.log.reset();
      await ask(app, { query: '{ orders(count: 0) { id } }' }, caller);
      const resolver = await span('OrdersResolver.orders');
      expect(await app.log.withMessage('orders were asked for')).toMatchObject({
        trace_id: caller.traceId,
        span_id: resolver.spanContext().spanId,
      });
    });

    it('makes one span of the calls for the items of a list', async () => {
      await ask(app, { query: 'query Many { orders(count: 100) { customer { name } } }' }, caller);
      await app.spans.server(caller.traceId);
      const operation = await span('query Many');
      const customers = inTrace('OrdersResolver.customer');
      const loads = inTrace('load customer');
      expect(customers).toHaveLength(1);
      expect(customers[0]!.parentSpanContext?.spanId).toBe(operation.spanContext().spanId);
      expect(customers[0]!.attributes).toMatchObject({ 'nestjs.repeat.count': 100 });
      expect(customers[0]!.attributes['nestjs.repeat.duration_ms']).toBeGreaterThan(90);
      expect(loads).toHaveLength(100);
      for (const load of loads) expect(app.spans.isBelow(load, customers[0]!)).toBe(true);
    });

    it('counts the failures among them, and describes one', async () => {
      const query = 'query Unlucky { orders(count: 114) { id customer { name } } }';
      const result = await ask(app, { query }, caller);
      expect(result.errors).toHaveLength(1);
      const [customers, operation] = [await span('OrdersResolver.customer'), await span('query Unlucky')];
      expect(customers.attributes).toMatchObject({ 'nestjs.repeat.count': 114, 'nestjs.repeat.errors': 1 });
      expect(customers.status).toEqual({ code: SpanStatusCode.ERROR, message: 'bad luck' });
      expect(operation.status).toEqual({ code: SpanStatusCode.ERROR, message: 'bad luck' });
      expect(operation.attributes['error.type']).toBe('RangeError');
    });

    it('marks an operation that answers with an error, however the request was answered', async () => {
      const result = await ask(app, { query: 'query Buggy { order(id: 500) { id } }' }, caller);
      expect(result.errors).toHaveLength(1);
      const operation = await span('query Buggy');
      const resolver = await span('OrdersResolver.findOrder');
      await app.spans.server(caller.traceId);
      expect(operation.status).toEqual({ code: SpanStatusCode.ERROR, message: 'a bug' });
      expect(operation.attributes).toMatchObject({
        'error.type': 'TypeError',
        'nestjs.graphql.error.count': 1,
      });
      expect(resolver.status.code).toBe(SpanStatusCode.ERROR);
      const told = app.spans.inTrace(caller.traceId).flatMap(({ events }) => events);
      expect(told.filter(({ name }) => name === 'exception')).toHaveLength(1);
    });

    it('marks an operation whose result the schema does not allow', async () => {
      const result = await ask(app, { query: 'query Needed { needed }' }, caller);
      expect(result.errors).toHaveLength(1);
      expect((await span('query Needed')).status.code).toBe(SpanStatusCode.ERROR);
    });

    it.each([
      ['what a resolver answers with an HttpException below 500', 'query Ask { order(id: 404) { id } }'],
      ['a variable of the wrong type', 'query Ask($id: Int!) { order(id: $id) { id } }'],
    ])('does not count against the operation: %s', async (_, query) => {
      const result = await ask(app, { query, variables: { id: 'four' } }, caller);
      expect(result.errors).toHaveLength(1);
      await app.spans.server(caller.traceId);
      const [operation] = app.spans
        .inTrace(caller.traceId)
        .filter(({ name }) => name === 'query Ask' || name === 'GraphQL Operation');
      expect(operation?.status.code).toBe(SpanStatusCode.UNSET);
    });

    it.each([
      ['does not parse', 'query {'],
      ['is not valid', 'query Wrong { unknown }'],
    ])('ends the span of a document that %s, without an error', async (_, query) => {
      await ask(app, { query }, caller);
      await app.spans.server(caller.traceId);
      const operation = await span('GraphQL Operation');
      expect(operation.status.code).toBe(SpanStatusCode.UNSET);
      expect(inTrace('query Wrong')).toEqual([]);
    });

    it('gives a method with @Trace() no second span, and request-scoped resolvers theirs', async () => {
      const result = await ask(app, { query: 'query Both { traced scoped }' }, caller);
      expect(result.data).toEqual({ traced: caller.traceId, scoped: caller.traceId });
      const operation = await span('query Both');
      await app.spans.server(caller.traceId);
      expect(inTrace('OrdersResolver.traced')).toHaveLength(1);
      expect(inTrace('ScopedResolver.scoped')).toHaveLength(1);
      for (const name of ['OrdersResolver.traced', 'ScopedResolver.scoped']) {
        expect(app.spans.isBelow(inTrace(name)[0]!, operation)).toBe(true);
      }
    });

    it('puts fields of annotate() on the span of the request', async () => {
      await ask(app, { query: 'query Found { order(id: 7) { id } }' }, caller);
      expect((await app.spans.server(caller.traceId)).attributes['order.id']).toBe(7);
      expect((await span('query Found')).attributes).not.toHaveProperty(['order.id']);
    });

    it('records each operation of a batch, and names the request after none', async () => {
      const batch = [
        { query: 'query One { order(id: 1) { id } }' },
        { query: 'mutation Two { place(id: 2) { id } }' },
      ];
      await ask(app, batch, caller);
      const server = await app.spans.server(caller.traceId);
      const [one, two] = [await span('query One'), await span('mutation Two')];
      const [find, place] = [await span('OrdersResolver.findOrder'), await span('OrdersResolver.place')];
      expect(find.parentSpanContext?.spanId).toBe(one.spanContext().spanId);
      expect(place.parentSpanContext?.spanId).toBe(two.spanContext().spanId);
      expect(server.attributes).not.toHaveProperty('graphql.operation.name');
    });

    it('keeps concurrent operations apart', async () => {
      const callers = Array.from({ length: 20 }, newCaller);
      await Promise.all(
        callers.map((each, index) =>
          ask(app, { query: `query At${index} { orders(count: 3) { customer { name } } }` }, each),
        ),
      );
      for (const [index, { traceId }] of callers.entries()) {
        const operation = await app.spans.named(traceId, `query At${index}`);
        const customers = await app.spans.named(traceId, 'OrdersResolver.customer');
        expect(customers.attributes).toMatchObject({ 'nestjs.repeat.count': 3 });
        expect(customers.parentSpanContext?.spanId).toBe(operation.spanContext().spanId);
      }
    });

    it('measures operations by name, type and outcome', async () => {
      await ask(app, { query: 'query Measured { orders(count: 1) { id } }' });
      await ask(app, { query: 'query Faulty { order(id: 500) { id } }' });
      await ask(app, { query: 'query Absent { order(id: 404) { id } }' });
      await ask(app, { query: '{ traced }' });
      const page = await app.scrape();
      const count = (labels: string) =>
        valueOf(page, new RegExp(`^nestjs_graphql_operation_duration_seconds_count\\{${labels}\\}`));
      expect(count('graphql_operation_name="Measured",graphql_operation_type="query"')).toBe(1);
      expect(
        count('error_type="TypeError",graphql_operation_name="Faulty",graphql_operation_type="query"'),
      ).toBe(1);
      expect(count('graphql_operation_name="Absent",graphql_operation_type="query"')).toBe(1);
      expect(count('graphql_operation_name="<anonymous>",graphql_operation_type="query"')).toBeGreaterThan(0);
    });

    it('shows a step that takes its time', async () => {
      await ask(app, { query: 'query Slow { slow }' }, caller);
      const operation = await span('query Slow');
      const execution = await span('graphql.execute');
      expect(execution.parentSpanContext?.spanId).toBe(operation.spanContext().spanId);
    });
  });
}
