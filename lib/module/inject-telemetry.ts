import { TelemetryService } from './telemetry.service.js';
import { Inject, Injectable, type Provider } from '@nestjs/common';
import { processWide } from '../process/process-wide.js';
import { textOf } from '../engine/copy-bounded.js';

const services = new Map<string, TelemetryService>();

/**
 * Gives the telemetry of that name without dependency injection; the same name gives the same object. It may be asked
 * for before telemetry is started and works from then on.
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

/** Names asked for by any copy of this package: providers are made from them when the container is filled. */
const injectedNames = processWide('injected-names', () => new Set<string>());

const tokenOf = (name: string): symbol => Symbol.for(`nestjs-telemetry:service:${textOf(name)}`);

/**
 * Injects the telemetry of a given name, where the name of the class is not the one to use.
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
