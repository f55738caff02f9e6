/** What the page knows about the database behind it: what it can do, and since when it has data. */
import type { HealthAnswer, HealthApi } from '../panels/health/query.js';
import { clientOf } from './client.js';

const healthApi = clientOf<HealthApi>();

/** So long the first view waits: longer than the application takes to answer, shorter than a reader's patience. */
const LONGEST_WAIT_MS = 300;
/** Between two questions while there is no data. */
const ASK_AGAIN_MS = 5_000;
const SHORTEST_SPAN_MS = 60_000;

let oldest: number | undefined;
let features: HealthAnswer['features'] = { live: true, import: true, processMetrics: true };
let askedAt = -Infinity;

/** Asks for it; what was known stays when there is no answer. Never rejects. */
export async function learnAboutDatabase(): Promise<void> {
  // Until it is answered it is not asked again, and not given up: a slow database has begun to answer.
  askedAt = Infinity;
  const asking = healthApi.get('health').then(
    (health) => {
      oldest = health.store.since;
      features = health.features;
    },
    // The view asks too, and shows what is wrong.
    () => undefined,
  );
  void asking.then(() => {
    askedAt = Date.now();
  });
  await Promise.race([asking, new Promise((resolve) => setTimeout(resolve, LONGEST_WAIT_MS))]);
}

/** Whether the database can do this; controls for what it cannot do are hidden. */
export const hasFeature = (name: keyof HealthAnswer['features']): boolean => features[name];

/** Where a span up to `now` begins that was to begin at `from`: charts of a new application begin with its first data. */
export function beginOf(from: number, now: number): number {
  if (oldest === undefined) {
    if (now - askedAt > ASK_AGAIN_MS) void learnAboutDatabase();
    return from;
  }
  return Math.max(from, Math.min(oldest, now - SHORTEST_SPAN_MS));
}
