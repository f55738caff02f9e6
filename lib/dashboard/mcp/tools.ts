import { type McpTool } from './mcp-tool.interface.js';
import { findRegressionsTool } from './tools/find-regressions.js';
import { listErrors } from './tools/list-errors.js';
import { searchLogs } from './tools/search-logs.js';
import { serviceMap } from './tools/service-map.js';
import { slowOperations } from './tools/slow-operations.js';
import { telemetryHealth } from './tools/telemetry-health.js';
import { getTrace, searchTraces } from './tools/traces.js';

/** Every tool, in the order in which agents see them. All are read only. */
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
