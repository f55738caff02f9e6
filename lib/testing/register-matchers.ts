import { TelemetryError } from '../errors/telemetry.error.js';
import { endLeftTelemetry } from './start-for-test.js';
import { telemetryMatchers, telemetrySerializer } from './telemetry-matchers.js';

/** What is used of a test runner. */
interface TestRunner {
  readonly expect?: {
    extend(matchers: typeof telemetryMatchers): void;
    addSnapshotSerializer(serializer: typeof telemetrySerializer): void;
  };
  readonly afterAll?: (end: () => Promise<void>) => void;
}

/**
 * Makes the matchers known to a runner, and lets each file of tests end what its last test has left running.
 *
 * @param runner what has its functions: the global object, or its module
 * @param entry as an error names it
 * @throws TelemetryError `TELEMETRY_INVALID_TEST` outside of a runner
 */
export function registerMatchers(runner: object, entry: string): void {
  const { expect, afterAll } = runner as TestRunner; // each is looked for
  if (expect === undefined)
    throw new TelemetryError(
      'TELEMETRY_INVALID_TEST',
      `There is no global expect() to extend when ${entry} is imported. Import it in a test, or in a file of setupFilesAfterEnv. ` +
        'With injectGlobals: false, write expect.extend(telemetryMatchers), both imported.',
    );
  expect.extend(telemetryMatchers);
  expect.addSnapshotSerializer(telemetrySerializer);
  try {
    afterAll?.(endLeftTelemetry);
  } catch {
    // Imported while a test runs, where hooks are refused: a test that closes its application needs none.
  }
}
