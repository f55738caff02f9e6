import { Inject, Injectable, type Provider } from '@nestjs/common';

import { textOf } from '../engine/copy-bounded.js';
import { processWide } from '../process/process-wide.js';
import { TelemetryService } from './telemetry.service.js';

const services = new Map<string, TelemetryService>();

/**
 * Returns the telemetry of that name without dependency injection; the same name returns the same object. It can be
 * requested before telemetry starts, and works once it has.
 *
 * @example
 * const telemetry = getTelemetry('nightly_import');
 */
export function getTelemetry(name: string): TelemetryService {
  let service = services.get(name);
  if (service === undefined) {
    service = new TelemetryService(name);
    services.set(name, service);
  }
  return service;
}

/** Names that any copy of this package has requested; they become providers when the container is filled. */
const injectedNames = processWide('injected-names', () => new Set<string>());

const tokenOf = (name: string): symbol => Symbol.for(`nestjs-telemetry:service:${textOf(name)}`);

/**
 * Injects the telemetry of a given name instead of the name of the class.
 *
 * @example
 * constructor(@InjectTelemetry('my_service') private readonly telemetry: TelemetryService) {}
 */
export function InjectTelemetry(name: string): PropertyDecorator & ParameterDecorator {
  injectedNames.add(name);
  return Inject(tokenOf(name));
}

/** One provider for each name that `@InjectTelemetry` was used with so far. */
export function createNamedTelemetryProviders(): Provider[] {
  return [...injectedNames].map((name) => ({
    provide: tokenOf(name),
    useFactory: () => getTelemetry(name),
  }));
}

/**
 * Base class with an injected `telemetry` that is named after the subclass; the subclass needs no constructor.
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
