/** Which processes the views are about: kept in the address, beside the time span. */

/** Parameters of the address and of the API. */
export const PROCESS_NAMES = ['version', 'environment', 'process'] as const;

/** The query of all processes. */
export const ALL_PROCESSES = { version: undefined, environment: undefined, process: undefined };

/** What the address says of them, for the API. */
export const processesOf = (
  query: URLSearchParams,
): Partial<Record<(typeof PROCESS_NAMES)[number], string>> =>
  Object.fromEntries(PROCESS_NAMES.flatMap((name) => (query.get(name) ? [[name, query.get(name)]] : [])));

/** Whether only some are shown. */
export const hasChoice = (query: URLSearchParams): boolean => PROCESS_NAMES.some((name) => query.get(name));
