import { isProduction } from '../../config/identity.js';
import { type TelemetryConfig } from '../../config/telemetry-config.interface.js';
import { warnOnce } from '../../errors/warnings.js';
import { type SourceFinder } from './source-finder.js';
import { type StoreFeed } from '../feed/store-pipeline.js';

/** While somebody looks, whether there are new methods is looked at that often: modules can be loaded lazily. */
const LOOK_EVERY_MS = 10_000;

/** Whether anybody can be led there. Another process may serve the page of one that does not. */
export function wantsSources({ dashboard, environment }: TelemetryConfig): boolean {
  return dashboard === undefined ? !isProduction(environment) : dashboard.editor !== undefined;
}

/**
 * Makes known where the methods that have spans were written, once somebody looks at what is stored: finding out holds up the
 * event loop for longer than any request should wait, and nobody needs it before. Returns the undo.
 */
export function observeSources(feed: StoreFeed): () => void {
  let finder: Promise<SourceFinder> | undefined;
  const look = async (): Promise<void> => {
    finder ??= import('./source-finder.js').then(({ SourceFinder: Finder }) => new Finder());
    const functions = await (await finder).find();
    if (functions !== undefined) feed.declareFunctions(functions);
  };
  return feed.store.whileRead(LOOK_EVERY_MS, () => {
    look().catch((error: unknown) => {
      warnOnce('sources', `The dashboard cannot lead to the source of spans: ${String(error)}.`);
    });
  });
}
