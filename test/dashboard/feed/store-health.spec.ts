import { watchStoreLosses } from '../../../lib/dashboard/feed/store-health.js';
import { type StoredSpan } from '../../../lib/dashboard/sqlite/rows.interface.js';
import { openStore } from '../../../lib/dashboard/sqlite/store.js';
import { collectWarnings } from '../../exporters/support/collect-warnings.js';
import { eventually } from '../../support/eventually.js';

describe('what the embedded store loses', () => {
  it('is logged with the number of rows, and once more when it keeps up again', async () => {
    const warnings = collectWarnings();
    const store = openStore({
      file: ':memory:',
      maxAgeMs: 3_600_000,
      maxBytes: 64 * 2 ** 20,
      maxSpans: 10_000,
      maxLogs: 10_000,
      maxPoints: 10_000,
    })!;
    const stop = watchStoreLosses(store, 50);
    // The row is made when it is written: what waits here is a number.
    const unmade = (): StoredSpan => {
      throw new Error('never made');
    };
    for (let index = 0; index < 21_000; index += 1) store.addSpan(index, unmade);

    const first =
      /telemetry could not be sent to :memory: \(the embedded store\): .*sampling.*Lost since \S+: [\d,]+ rows/;
    await eventually(() => warnings.messages.some((message) => first.test(message)));
    await store.close();
    await eventually(() =>
      warnings.messages.some((message) => /again, after .*lost meanwhile: 21,000 rows/.test(message)),
    );
    stop();
    warnings.restore();
  });
});
