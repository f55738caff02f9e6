import { text } from 'node:stream/consumers';

import {
  type PrometheusAnswer,
  type PrometheusScrape,
} from '../../../lib/exporters/prometheus/prometheus-scrape.js';

/** An answer that was read to its end. */
export type ReadAnswer = Omit<PrometheusAnswer, 'body'> & { readonly body: string };

/** Scrapes and reads the answer. */
export async function renderText(scrape: PrometheusScrape, accept?: string): Promise<ReadAnswer> {
  const { body, ...answer } = await scrape.render(accept);
  return { ...answer, body: await text(body) };
}
