import type * as Sdk from '@modelcontextprotocol/server';
import type * as Stdio from '@modelcontextprotocol/server/stdio';

import { type FindPackage, requireForPackage } from '../../process/application-modules.js';
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
export function loadMcpSdk(find: FindPackage = requireForPackage): McpSdk {
  return loadPart<McpSdk>(MCP_PACKAGE, ['createMcpHandler', 'fromJsonSchema', 'McpServer'], find);
}

/** The part of the SDK that serves on standard input and output. @throws DashboardError 501 as above */
export function loadMcpStdio(): Pick<typeof Stdio, 'serveStdio'> {
  return loadPart<typeof Stdio>(`${MCP_PACKAGE}/stdio`, ['serveStdio'], requireForPackage);
}

function loadPart<Part extends object>(
  path: string,
  names: readonly (keyof Part)[],
  find: FindPackage,
): Part {
  const found = find(MCP_PACKAGE);
  if (found === undefined) throw unusable('is not installed');
  let part: Partial<Part>;
  try {
    part = found(path) as Partial<Part>;
  } catch (error) {
    throw unusable(`cannot be loaded (${(error as Error).message})`);
  }
  if (names.some((name) => part[name] === undefined))
    throw unusable('is installed in a version that cannot be used');
  return part as Part; // each of the names is there
}

function unusable(why: string): DashboardError {
  return new DashboardError(
    501,
    `The MCP server of the dashboard needs the package ${MCP_PACKAGE}, which ${why}: run \`${INSTALL}\` in the application, and start it again.`,
  );
}
