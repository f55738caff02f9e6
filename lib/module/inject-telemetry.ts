import { Inject, Injectable, type Provider } from '@nestjs/common';

import { textOf } from '../engine/copy-bounded.js';
import { processSymbol } from '../process/process-wide.js';
import { injected, TelemetryService } from './telemetry.service.js';

const services = new Map<string, TelemetryService>();

/**
 * Returns the telemetry of that name without dependency injection, always the same object. It may
 * be requested before telemetry starts.
 *
 * @example
 * const telemetry = getTelemetry('nightly_import');
 */
export function getTelemetry(name: string): TelemetryService {
  const service = services.get(name) ?? new TelemetryService(name);
  services.set(name, service);
  return service;
}

const tokenOf = (name: string): symbol => processSymbol(`service.${textOf(name)}`);

/**
 * Injects the telemetry of a given name instead of the name of the class.
 *
 * @example
 * constructor(@InjectTelemetry('my_service') private readonly telemetry: TelemetryService) {}
 */
export function InjectTelemetry(name: string): PropertyDecorator & ParameterDecorator {
  injected.names.add(name);
  return Inject(tokenOf(name));
}

/** One provider for each name that `@InjectTelemetry` was used with so far. */
export function createNamedTelemetryProviders(): Provider[] {
  return [...injected.names].map((name) => ({
    provide: tokenOf(name),
    useFactory: () => getTelemetry(name),
  }));
}

/**
 * Base class with an injected `telemetry` that is named after the subclass.
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
