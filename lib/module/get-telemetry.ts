import { TelemetryService } from './telemetry.service.js';

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
