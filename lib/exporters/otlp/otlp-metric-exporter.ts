import { ExportResultCode } from '@opentelemetry/core';
import {
  AggregationTemporality,
  type AggregationTemporalitySelector,
  InstrumentType,
  type PushMetricExporter,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';

import type { OtlpTarget } from '../../config/otlp.js';
import { warnOnce } from '../../errors/warnings.js';
import { addToJson, addToProtobuf, UnsentExemplars } from '../../metrics-sdk/add-exemplars-to-otlp.js';
import { toError } from '../export-failure.js';
import { createExportQueue } from '../sending/export-queue.js';
import { reportLoadError } from '../sending/sender.js';
import type { EncodedRequest } from './encoded-batcher.js';
import { createOtlpSender, otlpDestination } from './otlp-sender.js';
import { otlpSettingsOf } from './otlp-settings.js';

const { SUCCESS, FAILED } = ExportResultCode;

type Encode = (metrics: ResourceMetrics) => Uint8Array | undefined;

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
  const push = (metrics: ResourceMetrics, encode: Encode, done: (error?: Error) => void): void => {
    const count = countDataPoints(metrics);
    const body = encode(metrics);
    if (body === undefined) throw new Error('the metrics could not be encoded');
    const full = queue.fullBecauseOf(0, body.byteLength);
    if (full !== undefined) {
      health.dropFromQueue(count, full);
      done(new Error('the queue is full'));
    } else queue.push({ count, bytes: body.byteLength, body }, done);
  };
  let stopped = false;
  return {
    export(metrics, report) {
      const done = (error?: Error): void => {
        report(error === undefined ? { code: SUCCESS } : { code: FAILED, error });
      };
      if (stopped) done(new Error('the exporter is shut down'));
      else
        (encoder ??= loadEncoder(target))
          .then((encode) => {
            push(metrics, encode, done);
          })
          .catch((thrown: unknown) => {
            const error = toError(thrown);
            health.settle(countDataPoints(metrics), { outcome: 'failed', error });
            done(error);
          });
    },
    forceFlush: () => queue.flush(),
    shutdown: () => {
      stopped = true;
      return queue.shutdown();
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
  const [standard, addExemplars] =
    protocol === 'http/json'
      ? ([JsonMetricsSerializer, addToJson] as const)
      : ([ProtobufMetricsSerializer, addToProtobuf] as const);
  const fresh = new UnsentExemplars();
  return (metrics) => {
    const request = standard.serializeRequest(metrics);
    const exemplars = fresh.of(metrics);
    return request === undefined || exemplars === undefined ? request : addExemplars(request, exemplars);
  };
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
