import { jsonPartsOf } from '../../../lib/dashboard/http/respond.js';

describe('jsonPartsOf()', () => {
  it.each([
    ['nothing', null],
    ['a text', 'with "quotes" and </script>'],
    ['an empty object', {}],
    ['an empty list', []],
    ['members that are undefined', { a: undefined, b: 1, c: undefined }],
    ['a list with undefined', [undefined, 1, { a: undefined }]],
    ['what writes itself', { at: new Date(0), in: [new Date(0)] }],
    [
      'lists in objects in lists',
      { items: [{ a: [1, { b: [] }] }], next: undefined, '"key"': { deep: { er: [true] } } },
    ],
    [
      'a long list',
      { spans: Array.from({ length: 1_234 }, (_, index) => ({ index, text: `span ${index}` })) },
    ],
  ])('writes %s as JSON.stringify() does', (_, value) => {
    expect([...jsonPartsOf(value)].join('')).toBe(JSON.stringify(value));
  });

  it('writes a long list in many parts', () => {
    expect([...jsonPartsOf(Array.from({ length: 10_000 }, () => 1))].length).toBeGreaterThan(100);
  });
});
