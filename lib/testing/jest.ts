/* Importing `nestjs-telemetry/testing/jest` adds the matchers to jest's expect(). */
// Declarations of a module extend it only where something imports it.
import type {} from 'expect';

import { registerMatchers } from './register-matchers.js';
import { type TelemetryMatchers } from './telemetry-matchers.js';

/* eslint-disable @typescript-eslint/no-namespace, @typescript-eslint/no-empty-object-type, @typescript-eslint/no-unused-vars --
   this is how interfaces of other packages are extended, whose type parameters must be repeated */
declare global {
  namespace jest {
    interface Matchers<R, T> extends TelemetryMatchers<R> {}
  }
}

/** The matchers of `@jest/globals`. */
declare module 'expect' {
  interface Matchers<R, T> extends TelemetryMatchers<R> {}
}
/* eslint-enable */

registerMatchers(globalThis, 'nestjs-telemetry/testing/jest');
