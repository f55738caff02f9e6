import { watchRoutes } from '../../../lib/instrumentation/http-server/watch-routes.js';

describe('watchRoutes()', () => {
  it('notes what is registered, hands it on, and leaves the adapter as it was', () => {
    const registered: unknown[] = [];
    class Adapter {
      get(...args: unknown[]): string {
        registered.push(args);
        return 'registered';
      }
    }
    const adapter = new Adapter();
    const watch = watchRoutes(adapter);
    const handler = (): void => undefined;
    expect(adapter.get('/a', handler)).toBe('registered');
    adapter.get(handler);
    watch.stop();
    adapter.get('/b', handler);
    expect(watch.routes).toEqual([{ method: 'GET', path: '/a', handler }]);
    expect(registered).toEqual([['/a', handler], [handler], ['/b', handler]]);
    expect(Object.hasOwn(adapter, 'get')).toBe(false);
  });
});
