import type * as Client from '@clickhouse/client';

import { type FindPackage, requireForPackage } from '../../process/application-modules.js';
import { DashboardError } from '../http/dashboard-error.js';

/** An optional peer dependency: the official client. */
const CLICKHOUSE_PACKAGE = '@clickhouse/client';
const INSTALL = `npm install ${CLICKHOUSE_PACKAGE}@1`;

/** The part of the client that is used here. */
export type ClickHousePackage = Pick<typeof Client, 'createClient'>;

/**
 * Loads the client of the application. Bundlers must not see the package: an application that does not use it could not be bundled
 * otherwise.
 *
 * @throws DashboardError 501 with the command that installs the package, where it is missing or cannot be used
 */
export function loadClickHousePackage(find: FindPackage = requireForPackage): ClickHousePackage {
  const found = find(CLICKHOUSE_PACKAGE);
  if (found === undefined) throw unusable('is not installed');
  let loaded: Partial<ClickHousePackage>;
  try {
    loaded = found(CLICKHOUSE_PACKAGE) as Partial<ClickHousePackage>;
  } catch (error) {
    throw unusable(`cannot be loaded (${(error as Error).message})`);
  }
  const { createClient } = loaded;
  if (createClient === undefined) throw unusable('is installed in a version that cannot be used');
  return { createClient };
}

function unusable(why: string): DashboardError {
  return new DashboardError(
    501,
    `dashboard.source.clickhouse needs the package ${CLICKHOUSE_PACKAGE}, which ${why}: run \`${INSTALL}\` in the application, and start it again.`,
  );
}
