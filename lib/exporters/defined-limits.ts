import { type BatchLimits } from '../config/telemetry-config.interface.js';

/** The limits that were set; the SDK's defaults hold for the others. */
export function definedLimits(limits: BatchLimits): BatchLimits {
  return Object.fromEntries(Object.entries(limits).filter(([, limit]) => limit !== undefined));
}
