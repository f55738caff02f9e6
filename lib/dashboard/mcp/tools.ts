import { type McpTool } from './mcp-tool.interface.js';
import { findRegressionsTool } from './tools/find-regressions.js';
import { listErrors } from './tools/list-errors.js';
import { searchLogs } from './tools/search-logs.js';
import { serviceMap } from './tools/service-map.js';
import { slowOperations } from './tools/slow-operations.js';
import { telemetryHealth } from './tools/telemetry-health.js';
import { getTrace, searchTraces } from './tools/traces.js';

/** What an agent may ask, in the order in which it is listed. All of it is read only. */
export const MCP_TOOLS: readonly McpTool[] = [
  listErrors,
  findRegressionsTool,
  slowOperations,
  searchTraces,
  getTrace,
  searchLogs,
  serviceMap,
  telemetryHealth,
];
