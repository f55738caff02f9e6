import * as sdkPart from './sdk-part.js';

/**
 * Returns what needs OpenTelemetry's SDK. The published library loads it with the first call, so that an application whose
 * telemetry is disabled never does: scripts/load-on-demand.mjs writes another module in the place of this one, except in bundles.
 */
export function loadSdkPart(): typeof sdkPart {
  return sdkPart;
}
