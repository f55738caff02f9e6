// Not `import { createRequire }`: in its place webpack writes `undefined`, and the bundle does not start.
import * as modules from 'node:module';
import { join } from 'node:path';

/** The `require()` of a file in the working directory, by which CommonJS packages that are loaded or installed there are found. */
export function applicationRequire(): NodeJS.Require {
  return modules.createRequire(join(process.cwd(), 'package.json'));
}
