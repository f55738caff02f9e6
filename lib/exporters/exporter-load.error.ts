import { toError } from './to-error.js';

/** An exporter's package could not be loaded; said once when it happened, so that failed exports need not say it again. */
export class ExporterLoadError extends Error {
  override readonly name = 'ExporterLoadError';

  constructor(packageName: string, cause: unknown) {
    super(`${packageName} could not be loaded: ${toError(cause).message}`, {
      cause,
    });
  }
}
