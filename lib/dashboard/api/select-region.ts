import { DashboardError } from '../http/dashboard-error.js';

export function selectRegion(): never {
  throw new DashboardError(501, 'Selections cannot be asked for yet.');
}
