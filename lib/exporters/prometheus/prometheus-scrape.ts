import { type PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { type IMetricReader } from '@opentelemetry/sdk-metrics';

import { warnOnce } from '../../errors/warnings.js';
import { OnDemandReader } from '../../metrics-sdk/on-demand.reader.js';
import { WARNING_INTERVAL_MS } from '../delivery-log.js';
import { describeError } from '../export-failure.js';
import { mergeScopes } from './merge-scopes.js';
import { acceptsOpenMetrics, OPENMETRICS_CONTENT_TYPE, renderOpenMetrics } from './openmetrics.js';
import { PrometheusFamilies } from './prometheus-names.js';

/** The answer to one scrape. */
export interface PrometheusAnswer {
  /** 200, or 500 with the reason in `body` when the metrics could not be collected. */
  readonly statusCode: 200 | 500;
  readonly contentType: string;
  readonly body: string;
}

/**
 * Serves metrics to a scraper: the reader belongs to the meter provider, `render` answers a
 * request.
 */
export interface PrometheusScrape {
  readonly reader: IMetricReader;
  /**
   * Collects all metrics and returns them as text. Never rejects.
   *
   * @param accept the request's Accept header. If it prefers OpenMetrics, that is returned, with
   *   exemplars; otherwise the classic text format, which all scrapers understand
   */
  render(accept?: string): Promise<PrometheusAnswer>;
}

const TEXT_FORMAT = 'text/plain; version=0.0.4; charset=utf-8';

/**
 * Creates the scrape of Prometheus. The serializer of the classic text format is loaded with the
 * first scrape that needs it.
 */
export function createPrometheusScrape({ prefix }: { prefix?: string | undefined } = {}): PrometheusScrape {
  const reader = new OnDemandReader();
  const families = new PrometheusFamilies(prefix);
  let serializer: PrometheusSerializer | undefined;

  const render = async (accept?: string): Promise<PrometheusAnswer> => {
    try {
      const { resourceMetrics, errors } = await reader.collect();
      for (const error of errors) warnAboutCallback(error);
      if (acceptsOpenMetrics(accept)) {
        const body = renderOpenMetrics(mergeScopes(resourceMetrics, families), prefix);
        return { statusCode: 200, contentType: OPENMETRICS_CONTENT_TYPE, body };
      }
      serializer ??= await loadSerializer(prefix);
      const { target, metrics } = mergeScopes(resourceMetrics, families);
      const body = serializer.serialize({
        resource: resourceFromAttributes(target),
        scopeMetrics: metrics.length === 0 ? [] : [{ scope: { name: '' }, metrics: [...metrics] }],
      });
      return { statusCode: 200, contentType: TEXT_FORMAT, body };
    } catch (error) {
      const reason = describeError(error);
      warnOnce(
        'prometheus-scrape',
        `metrics could not be rendered for Prometheus: ${reason}.`,
        WARNING_INTERVAL_MS,
      );
      return {
        statusCode: 500,
        contentType: 'text/plain; charset=utf-8',
        body: `metrics could not be rendered: ${reason}\n`,
      };
    }
  };
  return { reader, render };
}

async function loadSerializer(prefix: string | undefined): Promise<PrometheusSerializer> {
  const { PrometheusSerializer } = await import('@opentelemetry/exporter-prometheus');
  const appendTimestamp = false;
  const withoutTargetInfo = false;
  // Every series would have the labels of its scope. Without them, mergeScopes() merges equal
  // series.
  const withoutScopeInfo = true;
  return new PrometheusSerializer(prefix, appendTimestamp, undefined, withoutTargetInfo, withoutScopeInfo);
}

function warnAboutCallback(error: unknown): void {
  warnOnce(
    'prometheus-callback',
    `an observable instrument could not be read: ${describeError(error)}. The other metrics are unaffected.`,
    WARNING_INTERVAL_MS,
  );
}
