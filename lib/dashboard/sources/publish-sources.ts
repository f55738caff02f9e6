import { isProduction } from '../../config/identity.js';
import { type TelemetryConfig } from '../../config/telemetry-config.interface.js';
import { warnOnce } from '../../errors/warnings.js';
import { type StorePipeline } from '../feed/store-pipeline.js';
import { type SourceFinder, type WrittenMethod } from './source-finder.js';

/** How often new methods are looked for while the dashboard is viewed: modules can be loaded lazily. */
const POLL_MS = 10_000;

/** Whether source links can be followed. Another process may serve the page of one that serves none. */
export function sourceLinksEnabled({ dashboard, environment }: TelemetryConfig): boolean {
  return dashboard === undefined ? !isProduction(environment) : dashboard.editor !== undefined;
}

/**
 * Stores where methods that have spans were written, while somebody views what is stored: finding out
 * blocks the event loop for longer than a request should wait. Returns a function that ends it.
 *
 * @param findMethods lists the methods that have spans
 */
export function publishSources(
  pipeline: StorePipeline,
  findMethods: () => readonly WrittenMethod[],
): () => void {
  let finder: Promise<SourceFinder> | undefined;
  const poll = async (): Promise<void> => {
    finder ??= import('./source-finder.js').then(({ SourceFinder: Finder }) => new Finder(findMethods));
    const functions = await (await finder).find();
    if (functions !== undefined) pipeline.declareFunctions(functions);
  };
  return pipeline.store.whileRead(POLL_MS, () => {
    poll().catch((error: unknown) => {
      warnOnce('sources', `The dashboard cannot link to the source of spans: ${String(error)}.`);
    });
  });
}
