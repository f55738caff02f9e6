/* Importing `nestjs-telemetry/testing/vitest` adds the matchers to vitest's expect(). */
import { afterAll, expect } from 'vitest';

import { registerMatchers } from './register-matchers.js';
import { type TelemetryMatchers } from './telemetry-matchers.js';

declare module 'vitest' {
  // eslint-disable-next-line @typescript-eslint/no-empty-object-type, @typescript-eslint/no-unused-vars -- extends vitest's
  interface Matchers<T> extends TelemetryMatchers {}
}

registerMatchers({ expect, afterAll }, 'nestjs-telemetry/testing/vitest');
