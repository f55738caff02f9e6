import { type Histogram } from '@opentelemetry/sdk-metrics';

import { recordHttpClientRequest } from '../../lib/metrics/http-client-metrics.js';
import {
  changeActiveHttpServerRequests,
  recordHttpServerRequest,
} from '../../lib/metrics/http-server-metrics.js';
import { type CollectingSdk, startCollectingSdk } from './collecting-sdk.js';

let sdk: CollectingSdk;

beforeEach(() => {
  sdk = startCollectingSdk();
});

afterEach(async () => {
  await sdk.stop();
});

const attributesOf = async (name: string): Promise<unknown[]> =>
  (await sdk.points(name)).map(({ attributes }) => attributes);

describe('recordHttpServerRequest()', () => {
  it('records seconds with the labels of the conventions', async () => {
    const request = {
      method: 'GET',
      route: '/orders/:id',
      statusCode: 200,
      scheme: 'http',
      protocolVersion: '1.1',
    };

    recordHttpServerRequest({ ...request, durationSeconds: 0.02 });
    recordHttpServerRequest({ ...request, durationSeconds: 0.04 });

    const points = await sdk.points('http.server.request.duration');
    expect(points).toHaveLength(1);
    expect(points[0]?.attributes).toEqual({
      'http.request.method': 'GET',
      'http.route': '/orders/:id',
      'http.response.status_code': 200,
      'url.scheme': 'http',
      'network.protocol.version': '1.1',
    });
    const { count, sum, buckets } = points[0]?.value as Histogram;
    expect([count, sum]).toEqual([2, expect.closeTo(0.06)]);
    expect(buckets.boundaries[0]).toBe(0.005);
    expect(buckets.boundaries.at(-1)).toBe(10);
  });

  it('has no route label when no route matched', async () => {
    recordHttpServerRequest({ method: 'GET', statusCode: 404, scheme: 'http', durationSeconds: 0.001 });

    expect(await attributesOf('http.server.request.duration')).toEqual([
      { 'http.request.method': 'GET', 'http.response.status_code': 404, 'url.scheme': 'http' },
    ]);
  });

  it('labels a response from 500 on with its status as error type, and a named error with its name', async () => {
    const request = { method: 'POST', route: '/process', scheme: 'http', durationSeconds: 0.001 };
    recordHttpServerRequest({ ...request, statusCode: 503 });
    recordHttpServerRequest({ ...request, errorType: 'ClientDisconnected' });

    expect(await attributesOf('http.server.request.duration')).toMatchObject([
      { 'error.type': '503', 'http.response.status_code': 503 },
      { 'error.type': 'ClientDisconnected' },
    ]);
  });

  it('folds methods that the conventions do not know into _OTHER', async () => {
    recordHttpServerRequest({ method: 'PROPFIND', scheme: 'http', statusCode: 405, durationSeconds: 0.001 });

    expect(await attributesOf('http.server.request.duration')).toMatchObject([
      { 'http.request.method': '_OTHER' },
    ]);
  });
});

describe('changeActiveHttpServerRequests()', () => {
  it('counts the requests in progress', async () => {
    const request = { method: 'GET', scheme: 'http' };
    changeActiveHttpServerRequests(1, request);
    changeActiveHttpServerRequests(1, request);
    changeActiveHttpServerRequests(-1, request);

    expect(await sdk.points('http.server.active_requests')).toMatchObject([
      { value: 1, attributes: { 'http.request.method': 'GET', 'url.scheme': 'http' } },
    ]);
  });
});

describe('recordHttpClientRequest()', () => {
  it('records seconds with the labels of the conventions, and a 4xx as an error', async () => {
    recordHttpClientRequest({
      method: 'GET',
      serverAddress: 'orders.internal',
      serverPort: 8080,
      statusCode: 404,
      durationSeconds: 0.2,
    });

    expect(await attributesOf('http.client.request.duration')).toEqual([
      {
        'http.request.method': 'GET',
        'server.address': 'orders.internal',
        'server.port': 8080,
        'http.response.status_code': 404,
        'error.type': '404',
      },
    ]);
  });
});
