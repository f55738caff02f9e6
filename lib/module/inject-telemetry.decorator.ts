import { Inject, type Provider } from '@nestjs/common';

import { getTelemetry } from './get-telemetry.js';
import { processWide } from '../process/process-wide.js';
import { textOf } from '../engine/copy-bounded.js';

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
