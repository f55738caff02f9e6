import { type FactoryProvider, type ModuleMetadata, type Type } from '@nestjs/common';

import { type TelemetryOptionsFactory } from '../config/telemetry-options.js';
import { type TelemetryOptions } from '../config/telemetry-options.js';

/** What `TelemetryModule.forRootAsync()` accepts: one of `useFactory`, `useClass`, `useExisting`. */
export interface TelemetryAsyncOptions extends Pick<ModuleMetadata, 'imports'> {
  /** Makes the options from what `inject` names. */
  useFactory?: (...args: never[]) => TelemetryOptions | Promise<TelemetryOptions>;
  inject?: FactoryProvider['inject'];
  /** A class whose new instance makes the options. */
  useClass?: Type<TelemetryOptionsFactory>;
  /** A provider of `imports` that makes the options. */
  useExisting?: Type<TelemetryOptionsFactory>;
}
