import { type Platform } from '../platform.js';
import { describeDashboardAccess } from './dashboard-access.behaviours.js';
import { describeDashboardAnswers } from './dashboard-answers.behaviours.js';
import { describeDashboardMcp } from './dashboard-mcp.behaviours.js';
import { describeDashboardOtlp } from './dashboard-otlp.behaviours.js';
import { describeDashboardPlace } from './dashboard-place.behaviours.js';
import { describeDashboardSource } from './dashboard-source.behaviours.js';
import { describeDashboardToken } from './dashboard-token.behaviours.js';

/** What the dashboard does in an application. */
export function describeDashboard(platform: Platform): void {
  describeDashboardAnswers(platform);
  describeDashboardAccess(platform);
  describeDashboardToken(platform);
  describeDashboardOtlp(platform);
  describeDashboardMcp(platform);
  describeDashboardPlace(platform);
  describeDashboardSource(platform);
}
