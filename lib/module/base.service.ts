import { Inject, Injectable } from '@nestjs/common';

import { TelemetryService } from './telemetry.service.js';

/**
 * Gives every service that extends it a `telemetry` named after the subclass; the subclass needs no constructor for it.
 *
 * @example
 * @Injectable()
 * export class ReportService extends BaseService {
 *   build() {
 *     return this.telemetry.trace('build_report', () => this.telemetry.logInfo('Building…'));
 *   }
 * }
 */
@Injectable()
export abstract class BaseService {
  @Inject(TelemetryService)
  protected readonly telemetry!: TelemetryService;
}
