// Writes spans and lines of one service without end, and says after each flush how many are in the store.
//   node write-rows.mjs <file> <service>
import { openStore } from '../../../../lib/dashboard/sqlite/store.js';
import { logOf, newTraceId, resourceOf, seedRows, spanOf } from '../sample-rows.js';

const [file = '', service = ''] = process.argv.slice(2);
seedRows(service);
const resource = resourceOf(service);
const store = openStore({
  file,
  maxAgeMs: 3_600_000,
  maxBytes: 64 * 1_024 * 1_024,
  maxSpans: 100_000,
  maxLogs: 100_000,
  maxPoints: 1_000,
});

async function writeForEver(): Promise<void> {
  for (let written = 0; ;) {
    for (let index = 0; index < 20; index += 1) {
      const traceId = newTraceId();
      store?.addSpan(spanOf({ resource, traceId }));
      store?.addLog(logOf({ resource, traceId }));
    }
    await store?.flush();
    written += 20;
    process.stdout.write(`${written} ${store?.dropped ?? -1}\n`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

void writeForEver();
