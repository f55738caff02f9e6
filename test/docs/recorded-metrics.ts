import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import {
  type Attributes,
  createNoopMeter,
  type Meter,
  type MetricOptions,
  metrics,
  type Observable,
  type ObservableCallback,
  ROOT_CONTEXT,
} from '@opentelemetry/api';
import { Counted, Timed } from 'nestjs-telemetry';

import * as names from '../../lib/config/semantic-conventions.constants.js';
import { startStoreMetrics } from '../../lib/dashboard/feed/store-health.js';
import { countStarted, Origin, Result } from '../../lib/engine/recording-counts.js';
import { ExporterHealth } from '../../lib/exporters/exporter-report.js';
import { ModelCall, serverOf } from '../../lib/instrumentation/clients/openai/model-call.js';
import { EMBEDDINGS } from '../../lib/instrumentation/clients/openai/openai-apis.js';
import { recordConnectionWait, recordDatabaseOperation } from '../../lib/metrics/db-client-metrics.js';
import { recordGraphqlEvent, recordGraphqlOperation } from '../../lib/metrics/graphql-metrics.js';
import {
  activeHttpRequests,
  HttpServerSeries,
  recordHttpClientRequest,
  recordHttpServerRequest,
} from '../../lib/metrics/http-metrics.js';
import {
  countStalledJob,
  recordJobAttempt,
  recordJobsSent,
  recordJobWait,
} from '../../lib/metrics/queue-metrics.js';
import {
  measureClientCalls,
  measureProcessing,
  measureSending,
  measureServerCalls,
} from '../../lib/metrics/rpc-metrics.js';
import { startRuntimeMetrics } from '../../lib/metrics/runtime-metrics.js';
import { recordScheduledRun } from '../../lib/metrics/schedule-metrics.js';
import { startSdkMetrics } from '../../lib/metrics/sdk-metrics.js';
import {
  changeActiveWebSocketConnections,
  recordWebSocketMessage,
} from '../../lib/metrics/websocket-metrics.js';
import { eventually } from '../support/eventually.js';

/** An instrument of the library, with the attributes that its measurements had. */
export interface RecordedMetric {
  readonly name: string;
  readonly type: string;
  readonly unit: string;
  readonly description: string;
  readonly attributes: Set<string>;
}

/** A meter that keeps what is made with it. */
class NotingMeter {
  readonly found = new Map<string, RecordedMetric>();
  private readonly callbacks: (() => unknown)[] = [];

  readonly meter = Object.assign(Object.create(createNoopMeter()) as Meter, {
    createCounter: this.recorder('counter'),
    createUpDownCounter: this.recorder('up-down counter'),
    createHistogram: this.recorder('histogram'),
    createGauge: this.recorder('gauge'),
    createObservableCounter: this.observable('counter'),
    createObservableUpDownCounter: this.observable('up-down counter'),
    createObservableGauge: this.observable('gauge'),
  });

  /** Asks every observable instrument once. */
  async collect(): Promise<void> {
    for (const callback of this.callbacks) await callback();
  }

  private recorder(type: string) {
    return (name: string, options?: MetricOptions) => {
      const note = this.note(type, name, options);
      const take = (_: number, attributes?: Attributes): void => {
        note(attributes);
      };
      return { add: take, record: take };
    };
  }

  private observable(type: string) {
    return (name: string, options?: MetricOptions): Observable => {
      const note = this.note(type, name, options);
      const observe = (_: number, attributes?: Attributes): void => {
        note(attributes);
      };
      return {
        addCallback: (callback: ObservableCallback) => {
          this.callbacks.push(() => callback({ observe }));
        },
        removeCallback: () => undefined,
      };
    };
  }

  private note(type: string, name: string, options: MetricOptions = {}) {
    return (attributes: Attributes = {}): void => {
      const { unit = '', description = '' } = options;
      const metric = this.found.get(name) ?? { name, type, unit, description, attributes: new Set<string>() };
      for (const key of Object.keys(attributes)) metric.attributes.add(key);
      this.found.set(name, metric);
    };
  }
}

const FAILED = { durationSeconds: 1, errorType: 'Error' };
const EVERY_ATTRIBUTE = Object.fromEntries(
  Object.entries(names).flatMap(([key, value]) => (key.startsWith('ATTR_') ? [[String(value), 'x']] : [])),
);

/** Measures everything that the library measures, each with all of its attributes, by the functions that do it. */
export const MEASUREMENTS: Readonly<Record<string, () => void | Promise<void>>> = {
  http() {
    const series = new HttpServerSeries({
      method: 'GET',
      scheme: 'http',
      protocolVersion: '1.1',
      route: '/',
    });
    recordHttpServerRequest(1, 1, 1, series.labels(500, false), ROOT_CONTEXT);
    activeHttpRequests('GET', 'http');
    const server = { serverAddress: 'localhost', serverPort: 80, scheme: 'http', protocolVersion: '1.1' };
    recordHttpClientRequest({ ...FAILED, ...server, method: 'GET', statusCode: 500 });
  },
  databases() {
    const server = { serverAddress: 'localhost', serverPort: 5432, namespace: 'shop' };
    const operation = { ...server, operation: 'SELECT', summary: 'SELECT users', collection: 'users' };
    recordDatabaseOperation('postgresql', operation, { ...FAILED, statusCode: '42P01' });
    recordConnectionWait('shop', 1);
  },
  async models() {
    const request = { model: 'm' };
    const server = serverOf({ _client: { baseURL: 'http://localhost:1' } });
    const answer = { model: 'm', usage: { prompt_tokens: 1, completion_tokens: 1 } };
    const promise = { responsePromise: Promise.resolve({}), parseResponse: () => Promise.resolve(answer) };
    new ModelCall(EMBEDDINGS, request, server).follow(promise);
    await promise.parseResponse();
    new ModelCall(EMBEDDINGS, request, server).end(new Error());
  },
  messages() {
    const outcome = { ...FAILED, statusCode: 'NOT_FOUND' };
    for (const measure of [measureServerCalls, measureClientCalls, measureProcessing, measureSending])
      measure(EVERY_ATTRIBUTE)(outcome);
    const queue = { queue: 'mail', context: ROOT_CONTEXT };
    recordJobAttempt({ ...FAILED, ...queue, jobName: 'send', outcome: 'error' });
    recordJobWait(queue, 'send', 1);
    recordJobsSent({ ...FAILED, ...queue, operation: 'add', count: 1 });
    countStalledJob('mail');
  },
  nest() {
    recordGraphqlOperation({ ...FAILED, name: 'GetOrders', type: 'query' });
    recordGraphqlEvent({ ...FAILED, name: 'OnOrder', type: 'subscription' });
    recordScheduledRun({ ...FAILED, name: 'CleanupService.purge', type: 'cron' });
    recordWebSocketMessage({ ...FAILED, gateway: 'ChessGateway', event: 'move', namespace: '/chess' });
    changeActiveWebSocketConnections(1, '/chess');
    class OrderService {
      @Counted()
      @Timed()
      process(): void {
        // Only its calls are of interest.
      }
    }
    new OrderService().process();
  },
  process() {
    startRuntimeMetrics();
    setFlagsFromString('--expose-gc');
    (runInNewContext('gc') as () => void)();
  },
  telemetry() {
    countStarted(Origin.none, Result.sample);
    const healths = (['traces', 'logs', 'metrics'] as const).map(
      (signal) =>
        new ExporterHealth({ signal, protocol: 'grpc', name: 'OTLP', endpoint: 'http://localhost:4317' }),
    );
    for (const { exportedByErrorType, processedByErrorType } of healths) {
      exportedByErrorType.set('timeout', 1);
      processedByErrorType.set('queue_full', 1);
    }
    startSdkMetrics();
    for (const health of healths) health.onDuration?.(1, 'timeout');
    startStoreMetrics({ file: ':memory:', queued: 1, dropped: 1 });
  },
};

/** The metrics of each group of `MEASUREMENTS`, by their names. */
export async function recordEveryMetric(): Promise<ReadonlyMap<string, readonly RecordedMetric[]>> {
  const groups = new Map<string, readonly RecordedMetric[]>();
  const noting = new NotingMeter();
  metrics.setGlobalMeterProvider({ getMeter: () => noting.meter });
  const known = new Set<string>();
  for (const [group, measure] of Object.entries(MEASUREMENTS)) {
    await measure();
    await noting.collect();
    // Node reports garbage collections some time after them.
    if (group === 'process')
      await eventually('a garbage collection', () => noting.found.has(names.METRIC_V8JS_GC_DURATION));
    const fresh = [...noting.found.values()].filter(({ name }) => !known.has(name));
    for (const { name } of fresh) known.add(name);
    groups.set(
      group,
      fresh.sort((a, b) => a.name.localeCompare(b.name)),
    );
  }
  metrics.disable();
  return groups;
}
