import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/** The application writes it, see docs/dashboard-api.md. */
const TOKEN_FILE = 'dashboard-token';
const DEFAULT_STORE = '.telemetry/telemetry.db';

/**
 * The token of a page: the one that was given, else `TELEMETRY_DASHBOARD_TOKEN`, else the one that the application of a folder
 * keeps beside the file of its store; undefined where there is none, or it may not be read.
 */
export function pageToken(given: string | undefined, folder: string): string | undefined {
  const named = given ?? process.env.TELEMETRY_DASHBOARD_TOKEN;
  if (named !== undefined) return named;
  const store = process.env.TELEMETRY_STORE_FILE ?? DEFAULT_STORE;
  try {
    return readFileSync(join(dirname(resolve(folder, store)), TOKEN_FILE), 'utf8').trim();
  } catch {
    return undefined;
  }
}
