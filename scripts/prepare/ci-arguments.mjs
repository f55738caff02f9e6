import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const secondTry = fileURLToPath(new URL('second-try.cjs', import.meta.url));

/**
 * What `.ci/run` adds to a run of jest. Where TEST_RESULTS_DIR is set, the results are written there as JSON, too; where
 * TEST_SECOND_TRY is set, a test that failed is run once more.
 *
 * @param name of the suite, for the file of its results
 */
export function ciArguments(name) {
  const { TEST_RESULTS_DIR: results, TEST_SECOND_TRY: again } = process.env;
  return [
    // An option has to follow: jest takes whatever else does for another file.
    ...(again ? [`--setupFilesAfterEnv=${secondTry}`, '--ci'] : []),
    ...(results ? ['--json', `--outputFile=${join(results, `${name}-${process.pid}.json`)}`] : []),
  ];
}
