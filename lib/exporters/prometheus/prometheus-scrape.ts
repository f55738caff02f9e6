import { Readable } from 'node:stream';

import { type IMetricReader } from '@opentelemetry/sdk-metrics';

import { warnOnce } from '../../errors/warnings.js';
import { OnDemandReader } from '../../metrics-sdk/on-demand.reader.js';
import { WARNING_INTERVAL_MS } from '../delivery-log.js';
import { describeError } from '../export-failure.js';
import { takeInTurns, writeInTurns } from '../turns.js';
import { mergeScopes } from './merge-scopes.js';
import { acceptsOpenMetrics } from './openmetrics.js';
import { PrometheusFamilies } from './prometheus-names.js';
import { CLASSIC_TEXT, OPENMETRICS_TEXT, renderMetrics } from './render-metrics.js';

/** The answer to one scrape. */
export interface PrometheusAnswer {
  /** 200, or 500 with the reason in `body` when the metrics could not be collected. */
  readonly statusCode: 200 | 500;
  readonly contentType: string;
  /** The text. It is made while it is read, a millisecond at a time: millions of characters take long to make, and to send. */
  readonly body: Readable;
}

/** Requests that prefer OpenMetrics, as those of Prometheus do and those of a person do not. */
export interface Scrapes {
  readonly count: number;
  /** On the clock of `performance.now()`. */
  readonly first: number;
  readonly last: number;
}

/**
 * Serves metrics to a scraper: the reader belongs to the meter provider, `render` answers a
 * request.
 */
export interface PrometheusScrape {
  readonly reader: IMetricReader;
  /** Requests of scrapers so far. */
  readonly scrapes: Scrapes;
  /**
   * Collects all metrics and returns them as text. Never rejects.
   *
   * @param accept the request's Accept header. If it prefers OpenMetrics, that is returned, with
   *   exemplars; otherwise the classic text format, which all scrapers understand
   */
  render(accept?: string): Promise<PrometheusAnswer>;
}

/** Creates the scrape of Prometheus. */
export function createPrometheusScrape({ prefix }: { prefix?: string | undefined } = {}): PrometheusScrape {
  const reader = new OnDemandReader();
  const families = new PrometheusFamilies(prefix);
  const scrapes = { count: 0, first: 0, last: 0 };

  const render = async (accept?: string): Promise<PrometheusAnswer> => {
    try {
      const format = acceptsOpenMetrics(accept) ? OPENMETRICS_TEXT : CLASSIC_TEXT;
      if (format === OPENMETRICS_TEXT) count(scrapes);
      const { resourceMetrics, errors } = await reader.collect();
      for (const error of errors) warnAboutCallback(error);
      const metrics = await takeInTurns(mergeScopes(resourceMetrics, families));
      const text = writeInTurns(renderMetrics(metrics, prefix, format));
      return {
        statusCode: 200,
        contentType: format.contentType,
        body: Readable.from(text, { objectMode: false }),
      };
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
        body: Readable.from([`metrics could not be rendered: ${reason}\n`]),
      };
    }
  };
  return { reader, scrapes, render };
}

function count(scrapes: { -readonly [K in keyof Scrapes]: number }): void {
  const now = performance.now();
  if (scrapes.count === 0) scrapes.first = now;
  scrapes.last = now;
  scrapes.count += 1;
}

function warnAboutCallback(error: unknown): void {
  warnOnce(
    'prometheus-callback',
    `an observable instrument could not be read: ${describeError(error)}. The other metrics are unaffected.`,
    WARNING_INTERVAL_MS,
  );
}
