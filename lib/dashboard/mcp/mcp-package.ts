import type * as Sdk from '@modelcontextprotocol/server';

import { requireForPackage } from '../../process/application-modules.js';
import { DashboardError } from '../http/dashboard-error.js';

/** An optional peer dependency: the official SDK for servers of the Model Context Protocol. */
const MCP_PACKAGE = '@modelcontextprotocol/server';
const INSTALL = `npm install ${MCP_PACKAGE}@2`;

/** The part of the SDK that is used here. */
export type McpSdk = Pick<typeof Sdk, 'createMcpHandler' | 'fromJsonSchema' | 'McpServer'>;

/**
 * Loads the SDK of the application. Bundlers must not see the package: an application that does not use it could not be bundled
 * otherwise.
 *
 * @throws DashboardError 501 with the command that installs the package, where it is missing or cannot be used
 */
export function loadMcpSdk(find: typeof requireForPackage = requireForPackage): McpSdk {
  const found = find(MCP_PACKAGE);
  if (found === undefined) throw unusable('is not installed');
  let sdk: Partial<McpSdk>;
  try {
    sdk = found(MCP_PACKAGE) as Partial<McpSdk>;
  } catch (error) {
    throw unusable(`cannot be loaded (${(error as Error).message})`);
  }
  const { createMcpHandler, fromJsonSchema, McpServer } = sdk;
  if (createMcpHandler === undefined || fromJsonSchema === undefined || McpServer === undefined)
    throw unusable('is installed in a version that cannot be used');
  return { createMcpHandler, fromJsonSchema, McpServer };
}

function unusable(why: string): DashboardError {
  return new DashboardError(
    501,
    `The MCP server of the dashboard needs the package ${MCP_PACKAGE}, which ${why}: run \`${INSTALL}\` in the application, and start it again.`,
  );
}
