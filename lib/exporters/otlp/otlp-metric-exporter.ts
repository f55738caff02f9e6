import { ExportResultCode } from '@opentelemetry/core';
import {
  AggregationTemporality,
  type AggregationTemporalitySelector,
  InstrumentType,
  type MetricData,
  type PushMetricExporter,
  type ResourceMetrics,
  type ScopeMetrics,
} from '@opentelemetry/sdk-metrics';

import type { OtlpTarget } from '../../config/otlp.js';
import { warnOnce } from '../../errors/warnings.js';
import { addToJson, addToProtobuf, UnsentExemplars } from '../../metrics-sdk/add-exemplars-to-otlp.js';
import { toError } from '../export-failure.js';
import { createExportQueue } from '../sending/export-queue.js';
import { reportLoadError } from '../sending/sender.js';
import { type Steps, takeInTurns } from '../turns.js';
import type { EncodedRequest } from './encoded-batcher.js';
import { createOtlpSender, otlpDestination } from './otlp-sender.js';
import { otlpSettingsOf } from './otlp-settings.js';

const { SUCCESS, FAILED } = ExportResultCode;

type Encode = (metrics: ResourceMetrics) => Promise<Uint8Array>;

/**
 * Creates a metric exporter for an OTLP target, with exemplars. Its encoder is loaded with the first
 * export, which comes long after the start. An export whose failure may pass is reported to the
 * reader as failed, and retried later.
 *
 * @param maxBytes bytes of collections that may wait
 */
export function createOtlpMetricExporter(target: OtlpTarget, maxBytes: number): PushMetricExporter {
  const settings = otlpSettingsOf('metrics', target);
  let encoder: Promise<Encode> | undefined;
  const sender = createOtlpSender<EncodedRequest>('metrics', target, settings, () =>
    Promise.resolve(({ body }) => body),
  );
  const { queue, health } = createExportQueue(otlpDestination('metrics', target), sender, {
    maxItems: Infinity,
    maxBytes,
    attemptTimeoutMs: settings.timeoutMs,
    minRetryMs: 0,
  });
  const push = (body: Uint8Array, count: number, done: (error?: Error) => void): void => {
    const full = queue.fullBecauseOf(0, body.byteLength);
    if (full !== undefined) {
      health.dropFromQueue(count, full);
      done(new Error('the queue is full'));
    } else queue.push({ count, bytes: body.byteLength, body }, done);
  };
  const encoding = new Set<Promise<void>>();
  const encodeAndPush = async (metrics: ResourceMetrics, done: (error?: Error) => void): Promise<void> => {
    const count = countDataPoints(metrics);
    try {
      const encode = await (encoder ??= loadEncoder(target));
      push(await encode(metrics), count, done);
    } catch (thrown) {
      const error = toError(thrown);
      health.settle(count, { outcome: 'failed', error });
      done(error);
    }
  };
  let stopped = false;
  return {
    export(metrics, report) {
      const done = (error?: Error): void => {
        report(error === undefined ? { code: SUCCESS } : { code: FAILED, error });
      };
      if (stopped) {
        done(new Error('the exporter is shut down'));
        return;
      }
      const pushed = encodeAndPush(metrics, done);
      encoding.add(pushed);
      void pushed.then(() => encoding.delete(pushed));
    },
    async forceFlush() {
      await Promise.all(encoding);
      await queue.flush();
    },
    async shutdown() {
      stopped = true;
      await Promise.all(encoding);
      await queue.shutdown();
    },
    selectAggregationTemporality: readTemporalityPreference(
      target.settings && { [VARIABLE]: target.settings.temporality },
    ),
  };
}

/** Loads OpenTelemetry's serializer. It writes no exemplars: they are added to its bytes. */
async function loadEncoder({ protocol }: OtlpTarget): Promise<Encode> {
  const { JsonMetricsSerializer, ProtobufMetricsSerializer } =
    await import('@opentelemetry/otlp-transformer').catch((cause: unknown) => {
      throw reportLoadError('nestjs-telemetry', cause);
    });
  const isJson = protocol === 'http/json';
  const [standard, addExemplars] = isJson
    ? ([JsonMetricsSerializer, addToJson] as const)
    : ([ProtobufMetricsSerializer, addToProtobuf] as const);
  const unsent = new UnsentExemplars();
  function* encode(metrics: ResourceMetrics): Steps<Uint8Array> {
    const unsentOf = unsent.collect(metrics);
    const requests: Uint8Array[] = [];
    for (const part of partsOf(metrics)) {
      const request = standard.serializeRequest(part);
      if (request === undefined) throw new Error('the metrics could not be encoded');
      const exemplars = unsentOf(part);
      requests.push(exemplars === undefined ? request : addExemplars(request, exemplars));
      yield;
    }
    return joinRequests(requests, isJson);
  }
  return (metrics) => takeInTurns(encode(metrics));
}

/** Data points that are encoded in one step, in less than a millisecond. */
const POINTS_PER_STEP = 128;

/** The metrics in parts of so many points, also of one instrument. */
function* partsOf(all: ResourceMetrics): Generator<ResourceMetrics, void, undefined> {
  if (countDataPoints(all) <= POINTS_PER_STEP) {
    yield all;
    return;
  }
  const { resource, scopeMetrics } = all;
  let scopes: ScopeMetrics[] = [];
  let room = POINTS_PER_STEP;
  for (const { scope, metrics } of scopeMetrics) {
    let taken: MetricData[] = [];
    for (const metric of metrics) {
      for (let from = 0; from < metric.dataPoints.length;) {
        const dataPoints = metric.dataPoints.slice(from, from + room);
        taken.push(Object.assign({ ...metric }, { dataPoints }));
        from += dataPoints.length;
        room -= dataPoints.length;
        if (room > 0) continue;
        yield { resource, scopeMetrics: [...scopes, { scope, metrics: taken }] };
        scopes = [];
        taken = [];
        room = POINTS_PER_STEP;
      }
    }
    if (taken.length > 0) scopes.push({ scope, metrics: taken });
  }
  if (scopes.length > 0) yield { resource, scopeMetrics: scopes };
}

const JSON_HEAD = '{"resourceMetrics":[';
const JSON_END = ']}';

/** One request of the parts of one. In protobuf, lists are joined by writing one after the other. */
function joinRequests(requests: readonly Uint8Array[], isJson: boolean): Uint8Array {
  const [first] = requests;
  if (first !== undefined && requests.length === 1) return first;
  if (!isJson) return Buffer.concat(requests);
  const lists = requests.map((request) =>
    request.subarray(JSON_HEAD.length, request.length - JSON_END.length),
  );
  const parts = lists.flatMap((list, index) => [Buffer.from(index === 0 ? JSON_HEAD : ','), list]);
  return Buffer.concat([...parts, Buffer.from(JSON_END)]);
}

function countDataPoints({ scopeMetrics }: ResourceMetrics): number {
  return scopeMetrics
    .flatMap(({ metrics }) => metrics)
    .reduce((sum, { dataPoints }) => sum + dataPoints.length, 0);
}

const VARIABLE = 'OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE';

const { COUNTER, HISTOGRAM, UP_DOWN_COUNTER, OBSERVABLE_UP_DOWN_COUNTER } = InstrumentType;

/** Whether an instrument is sent as the difference to the last export, by preference. */
const IS_DELTA = new Map<string, (type: InstrumentType) => boolean>([
  ['cumulative', () => false],
  ['delta', (type) => type !== UP_DOWN_COUNTER && type !== OBSERVABLE_UP_DOWN_COUNTER],
  ['lowmemory', (type) => type === COUNTER || type === HISTOGRAM],
]);

/**
 * Whether an instrument is sent as a running total or as the difference to the last export. Default
 * cumulative. Env `OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE` (`cumulative`, `delta`,
 * `lowmemory`).
 */
export function readTemporalityPreference(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): AggregationTemporalitySelector {
  const preference = environment[VARIABLE]?.trim().toLowerCase() ?? '';
  const isDelta = IS_DELTA.get(preference);
  if (isDelta === undefined && preference !== '')
    warnOnce(
      `env:${VARIABLE}`,
      `${VARIABLE} is "${preference}", which is not cumulative, delta or lowmemory; cumulative is used.`,
    );
  return (type) =>
    isDelta?.(type) === true ? AggregationTemporality.DELTA : AggregationTemporality.CUMULATIVE;
}
