import { DashboardError } from '../http/dashboard-error.js';

export function readInstruments(): never {
  throw new DashboardError(501, 'Metrics cannot be asked for yet.');
}

export function readMetric(): never {
  throw new DashboardError(501, 'Metrics cannot be asked for yet.');
}
