import { compileRoute } from '../../lib/runtime/route-template.js';

const matches = (template: string, path: string) => compileRoute(template).test(path);

describe('compileRoute()', () => {
  it.each([
    ['/', '/'],
    ['/orders', '/orders'],
    ['/orders', '/orders/'],
    ['/orders/:id', '/orders/7'],
    ['/orders/:id', '/orders/a%20b'],
    ['/orders/:id/items/:item', '/orders/7/items/8'],
    ['/orders/:id(\\d+)', '/orders/7'],
    ['/orders/:id(^[a-f0-9]{8}$)/items', '/orders/deadbeef/items'],
    ['/flights/:from-:to', '/flights/LAX-SFO'],
    ['/orders/:id?', '/orders'],
    ['/orders/:id?', '/orders/7'],
    ['/orders{/:id}', '/orders'],
    ['/orders{/:id}', '/orders/7'],
    ['/files/*', '/files/a/b.txt'],
    ['/files/*path', '/files/a/b.txt'],
    ['/files{/*path}', '/files'],
    ['/v1.0/orders', '/v1.0/orders'],
    ['/a+b', '/a+b'],
    ['*', '/anything/at/all'],
    ['/odd{', '/odd{'],
    ['/odd:/x', '/odd:/x'],
  ])('lets %s match %s', (template, path) => {
    expect(matches(template, path)).toBe(true);
  });

  it.each([
    ['/orders', '/orders/7'],
    ['/orders/:id', '/orders'],
    ['/orders/:id', '/orders/7/items'],
    ['/orders/:id', '/api/orders/7'],
    ['/orders/:id', '/orders/'],
    ['/files/*', '/filesystem'],
    ['/v1.0/orders', '/v1x0/orders'],
    ['/', '/orders'],
  ])('does not let %s match %s', (template, path) => {
    expect(matches(template, path)).toBe(false);
  });
});
