import { type TelemetryStore } from '../../../lib/dashboard/sqlite/store.js';
import { serveDashboard, type ServedDashboard } from '../serve-dashboard.js';
import { cleanUp, openTestStore } from '../sqlite/open-test-store.js';
import { encodeRequest } from './encode-request.js';

const SECRET = 'SEChunter2RET';
const TRACE_ID = 'ab'.repeat(16);
const SPAN_ID = 'cd'.repeat(8);

type Signal = 'traces' | 'logs' | 'metrics';
type Id = (hex: string) => unknown;

const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
const now = (): string => `${Date.now()}000000`;
const resource = { attributes: [text('service.name', 'stock'), text('db.password', SECRET)] };
/** A secret by its key, by the look of the value, and in a list and an object. */
const secrets = [
  text('password', SECRET),
  text('note', `sent with token=${SECRET}`),
  { key: 'http.request.header.authorization', value: { arrayValue: { values: [{ stringValue: SECRET }] } } },
  { key: 'order', value: { kvlistValue: { values: [text('apiKey', SECRET), text('id', 'kept')] } } },
];
const scope = { name: 'flask', attributes: [text('token', SECRET)] };

const requestsOf = (id: Id): Record<Signal, object> => ({
  traces: {
    resourceSpans: [
      {
        resource,
        scopeSpans: [
          {
            scope,
            spans: [
              {
                traceId: id(TRACE_ID),
                spanId: id(SPAN_ID),
                name: `GET /reset?token=${SECRET}`,
                kind: 2,
                startTimeUnixNano: now(),
                endTimeUnixNano: now(),
                attributes: [...secrets, text('url.full', `http://a/b?token=${SECRET}`)],
                events: [
                  {
                    timeUnixNano: now(),
                    name: `password=${SECRET}`,
                    attributes: [
                      ...secrets,
                      text('exception.message', `Cannot GET /reset?t=${SECRET}`),
                      text('exception.stacktrace', `Error: Cannot GET /reset?t=${SECRET}\n    at main`),
                    ],
                  },
                ],
                links: [{ traceId: id('12'.repeat(16)), spanId: id('34'.repeat(8)), attributes: secrets }],
                status: { code: 2, message: `Cannot GET /reset?t=${SECRET}` },
              },
            ],
          },
        ],
      },
    ],
  },
  logs: {
    resourceLogs: [
      {
        resource,
        scopeLogs: [
          {
            scope,
            logRecords: [
              {
                timeUnixNano: now(),
                severityNumber: 17,
                severityText: 'ERROR',
                body: { stringValue: `login failed, password=${SECRET}` },
                attributes: secrets,
                traceId: id(TRACE_ID),
                spanId: id(SPAN_ID),
              },
              {
                timeUnixNano: now(),
                severityNumber: 9,
                body: { kvlistValue: { values: [text('password', SECRET), text('user', 'ada')] } },
              },
            ],
          },
        ],
      },
    ],
  },
  metrics: {
    resourceMetrics: [
      {
        resource,
        scopeMetrics: [
          {
            scope,
            metrics: [
              {
                name: 'depth',
                gauge: {
                  dataPoints: [
                    {
                      timeUnixNano: now(),
                      asDouble: 2,
                      attributes: [...secrets, text('queue', 'mail')],
                      exemplars: [{ timeUnixNano: now(), asDouble: 2, filteredAttributes: secrets }],
                    },
                  ],
                },
              },
            ],
          },
        ],
      },
    ],
  },
});

const FORMS = [
  { form: 'JSON', type: 'application/json', write: (signal: Signal) => requestsOf((hex) => hex)[signal] },
  {
    form: 'protobuf',
    type: 'application/x-protobuf',
    write: (signal: Signal) =>
      Buffer.from(encodeRequest(signal, requestsOf((hex) => Buffer.from(hex, 'hex'))[signal])),
  },
];

describe.each(FORMS)('a secret in OTLP that others send as $form', ({ type, write }) => {
  let store: TelemetryStore;
  let dashboard: ServedDashboard;
  const answers = new Map<string, string>();

  beforeAll(async () => {
    store = openTestStore();
    dashboard = await serveDashboard(store);
    for (const signal of ['traces', 'logs', 'metrics'] as const) {
      const response = await dashboard.otlp(signal, write(signal), { 'content-type': type });
      expect([signal, response.status]).toEqual([signal, 200]);
    }
    await store.flush();
    const { body: metrics } = await dashboard.api('metrics');
    const [{ id }] = metrics as [{ id: number }];
    const paths = ['services', 'overview', 'routes', 'traces', 'logs', 'metrics', `metrics/${id}`, 'health'];
    for (const path of [...paths, `traces/${TRACE_ID}`, `traces/${TRACE_ID}/otlp`]) {
      const { status, body } = await dashboard.api(path);
      expect([path, status]).toEqual([path, 200]);
      answers.set(path, JSON.stringify(body));
    }
  });
  afterAll(async () => {
    await dashboard.close();
    await cleanUp();
  });

  it('is in no answer of the API', () => {
    for (const [path, answer] of answers) expect([path, answer.includes(SECRET)]).toEqual([path, false]);
  });

  it('is replaced where it was, and all else is kept', () => {
    const trace = answers.get(`traces/${TRACE_ID}`)!;
    expect(trace).toContain('"name":"GET /reset?token=[Redacted]"');
    expect(trace).toContain('"password":"[Redacted]"');
    expect(trace).toContain('"note":"sent with token=[Redacted]"');
    expect(trace).toContain('"exception.message":"Cannot GET /reset?[Redacted]"');
    expect(trace).toContain('"id":"kept"');
    expect(answers.get('logs')).toContain('login failed, password=[Redacted]');
    expect(answers.get('logs')).toContain('ada');
    const series = [...answers].find(([path]) => path.startsWith('metrics/'))?.[1];
    expect(series).toContain('mail');
    expect(series).toContain('[Redacted]');
  });
});
