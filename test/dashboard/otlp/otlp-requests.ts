/** Two traces' worth of ids. */
export const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
export const SPAN_ID = 'b7ad6b7169203331';
export const PARENT_ID = '00f067aa0ba902b7';

type Ids = (hex: string) => unknown;

const attribute = (key: string, value: object) => ({ key, value });
const text = (key: string, stringValue: string) => attribute(key, { stringValue });

export const RESOURCE = {
  attributes: [
    text('service.name', 'stock'),
    text('service.version', '3.1'),
    text('deployment.environment.name', 'staging'),
    text('service.instance.id', 'i-1'),
  ],
};

/** @param id how ids are written: as they are in JSON, as bytes in protobuf */
export const traceRequest = (id: Ids = (hex) => hex) => ({
  resourceSpans: [
    {
      resource: RESOURCE,
      scopeSpans: [
        {
          scope: { name: 'flask', version: '1' },
          spans: [
            {
              traceId: id(TRACE_ID),
              spanId: id(SPAN_ID),
              parentSpanId: id(PARENT_ID),
              name: 'GET /stock/{id}',
              kind: 2,
              startTimeUnixNano: '1700000000000001000',
              endTimeUnixNano: '1700000000025001000',
              attributes: [
                text('http.request.method', 'GET'),
                text('http.route', '/stock/{id}'),
                attribute('http.response.status_code', { intValue: '503' }),
                attribute('ratio', { doubleValue: 0.25 }),
                attribute('cached', { boolValue: false }),
                attribute('negative', { intValue: '-7' }),
                attribute('tags', { arrayValue: { values: [{ stringValue: 'a' }, { intValue: '2' }] } }),
                attribute('nested', { kvlistValue: { values: [text('k', 'v')] } }),
                text('__proto__', 'x'),
              ],
              events: [
                {
                  timeUnixNano: '1700000000010001000',
                  name: 'exception',
                  attributes: [text('exception.message', '<script>alert(1)</script>')],
                },
              ],
              links: [{ traceId: id('1'.repeat(32)), spanId: id('2'.repeat(16)), attributes: [] }],
              status: { code: 2, message: 'sold out' },
            },
          ],
        },
      ],
    },
  ],
});

export const logRequest = (id: Ids = (hex) => hex) => ({
  resourceLogs: [
    {
      resource: RESOURCE,
      scopeLogs: [
        {
          scope: { name: 'stock.views' },
          logRecords: [
            {
              timeUnixNano: '1700000000000000000',
              severityNumber: 17,
              severityText: 'ERROR',
              body: { stringValue: 'the shelf is empty' },
              attributes: [text('shelf', 'A7')],
              traceId: id(TRACE_ID),
              spanId: id(SPAN_ID),
            },
          ],
        },
      ],
    },
  ],
});

/** Running totals of a counter and a histogram, and a gauge; `calls` have been made. */
export const metricRequest = (calls: number, id: Ids = (hex) => hex) => ({
  resourceMetrics: [
    {
      resource: RESOURCE,
      scopeMetrics: [
        {
          scope: { name: 'stock' },
          metrics: [
            {
              name: 'calls',
              unit: '{call}',
              description: 'Calls.',
              sum: {
                aggregationTemporality: 2,
                isMonotonic: true,
                dataPoints: [
                  {
                    timeUnixNano: '1700000000000000000',
                    asInt: String(calls),
                    attributes: [text('b', '2'), text('a', '1')],
                  },
                ],
              },
            },
            {
              name: 'duration',
              unit: 's',
              histogram: {
                aggregationTemporality: 2,
                dataPoints: [
                  {
                    timeUnixNano: '1700000000000000000',
                    count: String(calls),
                    sum: calls * 0.5,
                    bucketCounts: ['0', String(calls), '0'],
                    explicitBounds: [0.1, 1],
                    exemplars: [
                      {
                        timeUnixNano: '1700000000000000000',
                        asDouble: 0.5,
                        traceId: id(TRACE_ID),
                        spanId: id(SPAN_ID),
                      },
                    ],
                  },
                ],
              },
            },
            {
              name: 'depth',
              gauge: { dataPoints: [{ timeUnixNano: '1700000000000000000', asDouble: -1.5 }] },
            },
          ],
        },
      ],
    },
  ],
});
