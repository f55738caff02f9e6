import { ROOT_CONTEXT } from '@opentelemetry/api';
import { type Histogram } from '@opentelemetry/sdk-metrics';

import {
  activeHttpRequests,
  HttpServerSeries,
  recordHttpClientRequest,
  recordHttpServerRequest,
} from '../../lib/metrics/http-metrics.js';
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

const identity = { method: 'GET', scheme: 'http', protocolVersion: '1.1', route: '/orders/:id' };

describe('recordHttpServerRequest()', () => {
  it('records seconds and bytes with the labels of the conventions', async () => {
    const series = new HttpServerSeries(identity);

    recordHttpServerRequest(0.02, undefined, 100, series.labels(200, false), ROOT_CONTEXT);
    recordHttpServerRequest(0.04, 7, 300, series.labels(200, false), ROOT_CONTEXT);

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
    expect(await sdk.points('http.server.request.body.size')).toMatchObject([
      { value: { count: 1, sum: 7 } },
    ]);
    expect(await sdk.points('http.server.response.body.size')).toMatchObject([
      { attributes: points[0]?.attributes, value: { count: 2, sum: 400 } },
    ]);
  });
});

describe('HttpServerSeries', () => {
  it('has no route label when no route matched', () => {
    const series = new HttpServerSeries({ ...identity, route: undefined });

    expect(series.labels(404, false)).toEqual({
      'http.request.method': 'GET',
      'http.response.status_code': 404,
      'url.scheme': 'http',
      'network.protocol.version': '1.1',
    });
  });

  it('labels a response from 500 on with its status as error type, and an aborted one as aborted', () => {
    const series = new HttpServerSeries(identity);

    expect(series.labels(503, false)).toMatchObject({
      'error.type': '503',
      'http.response.status_code': 503,
    });
    expect(series.labels(undefined, true)).toMatchObject({ 'error.type': 'aborted' });
    expect(series.labels(undefined, true)).not.toHaveProperty(['http.response.status_code']);
  });

  it('gives the same frozen object again, by which it can be recognised', () => {
    const series = new HttpServerSeries(identity);

    expect(series.labels(200, false)).toBe(series.labels(200, false));
    expect(Object.isFrozen(series.labels(200, false))).toBe(true);
    expect(series.labels(200, true)).not.toBe(series.labels(200, false));
  });
});

describe('activeHttpRequests()', () => {
  it('reports the requests in progress', async () => {
    const requests = activeHttpRequests('QUERY', 'https');
    requests.count += 2;
    requests.count -= 1;

    expect(await sdk.points('http.server.active_requests')).toContainEqual(
      expect.objectContaining({
        value: 1,
        attributes: { 'http.request.method': 'QUERY', 'url.scheme': 'https' },
      }),
    );
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
