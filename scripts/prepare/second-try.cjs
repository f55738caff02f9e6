/* global jest */
// A file that jest loads before each spec of CI: a test that failed is run once more, and the summary of `.ci/run` names it. One test
// in ten thousand that depends on the moment does not hide the result of the others, and is mended.
jest.retryTimes(1, { logErrorsBeforeRetry: true });
