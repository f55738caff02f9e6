import { join } from 'node:path';

import { Declarations } from '../../../lib/dashboard/sqlite/processes/declarations.js';
import { findRoutes } from '../../../lib/dashboard/sqlite/queries/overview.js';
import { type DeclaredRoute } from '../../../lib/dashboard/sqlite/rows.interface.js';
import { type TelemetryStore } from '../../../lib/dashboard/sqlite/store.js';
import { Dictionaries } from '../../../lib/dashboard/sqlite/writing/dictionaries.js';
import { cleanUp, newFolder, openTestStore } from './open-test-store.js';
import { resourceOf, spanOf } from './sample-rows.js';

const SECOND = 1_000;
const START = Date.now();

const get = (route: string): DeclaredRoute => ({ method: 'GET', route });
const instance = (name: string) => resourceOf('orders', { instance: name });

function routesIn(store: TelemetryStore): string[] {
  const range = { from: 0, to: Date.now() };
  return store.read((database) => findRoutes(database, range)).map(({ route }) => route);
}

/** A process of the service that writes to that store; how long after the start is given with every call. */
function processIn(store: TelemetryStore, name: string) {
  const declarations = new Declarations();
  const write = (after: number) => {
    store.read((database) => {
      declarations.write(database, new Dictionaries(database), START + after);
    });
  };
  return {
    start: (after: number, ...routes: string[]) => {
      declarations.declareRoutes(instance(name), routes.map(get));
      write(after);
    },
    live: write,
    close: (after: number) => {
      store.read((database) => {
        declarations.close(database, new Dictionaries(database), START + after);
      });
    },
  };
}

afterEach(cleanUp);

describe('routes that processes of one service declare', () => {
  it('are all there, whatever each of the processes has', () => {
    const store = openTestStore();
    const [first, second] = [processIn(store, 'a'), processIn(store, 'b')];
    first.start(0, '/orders', '/health');
    second.start(SECOND, '/admin', '/health');
    first.live(10 * SECOND);
    second.live(10 * SECOND);
    expect(routesIn(store)).toEqual(['/admin', '/health', '/orders']);
  });

  it('go with the last process that has them, when another one lives', () => {
    const store = openTestStore();
    const [first, second] = [processIn(store, 'a'), processIn(store, 'b')];
    first.start(0, '/orders', '/health');
    second.start(0, '/admin', '/health');
    first.close(SECOND);
    expect(routesIn(store)).toEqual(['/admin', '/health', '/orders']);
    second.live(6 * SECOND);
    expect(routesIn(store)).toEqual(['/admin', '/health']);
  });

  it('stay when the last process ends, until one that has others is started', () => {
    const store = openTestStore();
    const ended = processIn(store, 'a');
    ended.start(0, '/orders');
    ended.close(SECOND);
    expect(routesIn(store)).toEqual(['/orders']);
    processIn(store, 'b').start(2 * SECOND, '/orders/v2');
    expect(routesIn(store)).toEqual(['/orders/v2']);
  });

  it('of a process that was killed go when it has not been heard of for 15 seconds', () => {
    const store = openTestStore();
    processIn(store, 'killed').start(0, '/orders');
    const again = processIn(store, 'b');
    again.start(SECOND, '/orders/v2');
    again.live(14 * SECOND);
    expect(routesIn(store)).toEqual(['/orders', '/orders/v2']);
    again.live(20 * SECOND);
    expect(routesIn(store)).toEqual(['/orders/v2']);
  });

  it('are there again when a process was only blocked', () => {
    const store = openTestStore();
    const [stopped, other] = [processIn(store, 'a'), processIn(store, 'b')];
    stopped.start(0, '/orders');
    other.start(0, '/admin');
    other.live(60 * SECOND);
    expect(routesIn(store)).toEqual(['/admin']);
    stopped.live(61 * SECOND);
    expect(routesIn(store)).toEqual(['/admin', '/orders']);
  });

  it('stay when one that has none says what else it has', () => {
    const store = openTestStore();
    const web = processIn(store, 'a');
    web.start(0, '/orders');
    web.close(SECOND);
    store.declareFunctions(instance('worker'), [{ name: 'Worker.run', file: '/app/worker.ts', line: 3 }]);
    expect(routesIn(store)).toEqual(['/orders']);
  });

  it('of another service are none of their business', () => {
    const store = openTestStore();
    store.declareRoutes(resourceOf('users'), [get('/users')]);
    const orders = processIn(store, 'a');
    orders.start(60 * SECOND, '/orders');
    expect(routesIn(store)).toEqual(['/orders', '/users']);
  });

  it('stay as routes that were seen when they had requests', async () => {
    const file = join(newFolder(), 'telemetry.db');
    const [first, second] = [openTestStore({ file }), openTestStore({ file })];
    first.declareRoutes(instance('a'), [get('/orders/:id'), get('/never')]);
    first.addSpan(spanOf());
    await first.close();
    second.declareRoutes(instance('b'), [get('/new')]);
    expect(routesIn(second)).toEqual(['/orders/:id', '/new']);
  });
});
