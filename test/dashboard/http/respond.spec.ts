import { createServer, get, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';

import { type HttpRequest } from '../../../lib/dashboard/http/http-exchange.interface.js';
import { jsonPartsOf, sendAnswer } from '../../../lib/dashboard/http/respond.js';

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

describe('an answer of the API', () => {
  const large = { items: Array.from({ length: 200 }, (_, index) => ({ index, name: 'POST /orders' })) };
  let server: Server;
  beforeAll(async () => {
    server = createServer((request, response) => {
      const value = request.url === '/large' ? large : { items: [] };
      void sendAnswer(request as HttpRequest, response, value);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => server.close());

  const ask = async (path: string, accepted?: string) => {
    const { port } = server.address() as AddressInfo;
    const headers = accepted === undefined ? {} : { 'accept-encoding': accepted };
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      get({ port, host: '127.0.0.1', path, headers, agent: false }, resolve).on('error', reject);
    });
    return { headers: response.headers, body: await buffer(response) };
  };

  it.each(['gzip', 'br, gzip;q=0.5', 'GZIP, deflate'])('is compressed for %s', async (accepted) => {
    const { headers, body } = await ask('/large', accepted);
    expect([headers['content-encoding'], headers.vary]).toEqual(['gzip', 'accept-encoding']);
    expect(Number(headers['content-length'])).toBe(body.length);
    expect(body.length).toBeLessThan(JSON.stringify(large).length / 5);
    expect(JSON.parse(gunzipSync(body).toString())).toEqual(large);
  });

  it.each([undefined, 'identity', 'br', 'gzip;q=0'])('is as it is for %s', async (accepted) => {
    const { headers, body } = await ask('/large', accepted);
    expect([headers['content-encoding'], headers.vary]).toEqual([undefined, 'accept-encoding']);
    expect(JSON.parse(body.toString())).toEqual(large);
  });

  it('is not compressed where it is small', async () => {
    const { headers, body } = await ask('/small', 'gzip');
    expect([headers['content-encoding'], body.toString()]).toEqual([undefined, '{"items":[]}']);
  });
});
