/** What needs OpenTelemetry's SDK to be loaded; `loadSdkPart()` alone imports it where telemetry may be disabled. */
export { readNamedFile } from './config-file/read-named-file.js';
export { startRuntime } from './start-runtime.js';
