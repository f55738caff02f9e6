import { GraphQLSchemaHost } from '@nestjs/graphql';

import { type Platform } from '../platform.js';
import { newCaller, type RunningApp } from '../running-app.js';
import { ask, FLAVOURS, startApp, valueOf } from './graphql-application.js';

/** What is switched off, not sampled or ignored, and what is left when an application is closed. */
export function describeGraphqlLifecycle(platform: Platform): void {
  describe.each(FLAVOURS)('GraphQL with $name, otherwise', (flavour) => {
    let app: RunningApp;
    afterEach(() => app.stop());

    it('works and records nothing when instrumentation.graphql is off', async () => {
      app = await startApp(platform, flavour, { telemetry: { instrumentation: { graphql: false } } });
      const caller = newCaller();
      const result = await ask(app, { query: 'query GetOrders { orders(count: 1) { id } }' }, caller);
      expect(result.data).toEqual({ orders: [{ id: 0 }] });
      await app.spans.server(caller.traceId);
      expect(app.spans.inTrace(caller.traceId).map(({ name }) => name)).not.toContain('query GetOrders');
      expect(await app.scrape()).not.toMatch(/nestjs_graphql_operation/);
    });

    it('works when telemetry is disabled', async () => {
      app = await startApp(platform, flavour, { telemetry: { enabled: false } });
      const result = await ask(app, { query: '{ orders(count: 1) { customer { name } } }' });
      expect(result.data).toEqual({ orders: [{ customer: { name: 'customer 0' } }] });
      expect(app.spans.started).toEqual([]);
    });

    it('measures operations that are not sampled', async () => {
      app = await startApp(platform, flavour, { telemetry: { sampling: { sampler: 'always_off' } } });
      await ask(app, { query: 'query Unsampled { order(id: 500) { id } }' });
      await ask(app, { query: 'query Unsampled { order(id: 404) { id } }' });
      const page = await app.scrape();
      expect(app.spans.ended).toEqual([]);
      const series = '^nestjs_graphql_operation_duration_seconds_count\\{';
      expect(valueOf(page, new RegExp(`${series}error_type="TypeError",.*"Unsampled"`))).toBe(1);
      expect(valueOf(page, new RegExp(`${series}graphql_operation_name="Unsampled"`))).toBe(1);
    });

    it('records nothing of a request that is ignored', async () => {
      app = await startApp(platform, flavour, {
        telemetry: { instrumentation: { httpServer: { ignore: ['/graphql'] } } },
      });
      await ask(app, { query: 'query Ignored { orders(count: 1) { id } }' });
      await app.fetch('/nowhere');
      await app.spans.serverAfter(0);
      expect(app.spans.ended).toHaveLength(1);
    });

    it('starts again with the next application of the process', async () => {
      app = await startApp(platform, flavour);
      await app.stop();
      app = await startApp(platform, flavour);
      const caller = newCaller();
      await ask(app, { query: 'query Again { orders(count: 1) { id } }' }, caller);
      await app.spans.server(caller.traceId);
      const names = app.spans.inTrace(caller.traceId).map(({ name }) => name);
      expect(names.filter((name) => name === 'query Again')).toHaveLength(1);
      expect(names.filter((name) => name === 'OrdersResolver.orders')).toHaveLength(1);
    });
  });

  it.each(FLAVOURS)(
    'GraphQL with $name is left as it was when the application is closed',
    async (flavour) => {
      const { driver } = flavour.options as { driver: { prototype: object } };
      const before = Reflect.get(driver.prototype, 'start') as unknown;
      const app = await startApp(platform, flavour);
      const { schema } = app.app.get(GraphQLSchemaHost);
      const resolve = schema.getQueryType()?.getFields().orders?.resolve;
      expect(Reflect.get(driver.prototype, 'start')).not.toBe(before);
      await app.stop();
      expect(Reflect.get(driver.prototype, 'start')).toBe(before);
      expect(schema.getQueryType()?.getFields().orders?.resolve).not.toBe(resolve);
    },
  );
}
