import { type ConfigurableModuleAsyncOptions } from '@nestjs/common';

import { type TelemetryOptions } from '../config/telemetry-options.js';

/**
 * What `TelemetryModule.forRootAsync()` accepts: one of `useFactory` (with `inject`), `useClass` and `useExisting`; `imports`
 * name the modules of what these need. A class implements `TelemetryOptionsFactory`.
 */
export type TelemetryAsyncOptions = ConfigurableModuleAsyncOptions<
  TelemetryOptions,
  'createTelemetryOptions'
>;
