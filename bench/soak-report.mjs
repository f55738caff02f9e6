// What the soak prints: a table over time, and each claim with whether it held.
import { renderTable, summarize } from './table.mjs';

const MIB = 2 ** 20;
/** The journal is cut down to 8 MiB whenever it has been played back; between, it may be as long as what is written meanwhile. */
const MAX_JOURNAL_BYTES = 32 * MIB;
const GROWTH = { share: 1.1, bytes: 4 * MIB };
/** How long the process may hold up its event loop, in milliseconds. */
const MAX_OWN_MS = 50;

export const mib = (bytes) => (bytes === undefined ? '' : (bytes / MIB).toFixed(1));
const whole = (value) => value.toFixed(0);

/** At most this many lines, evenly spread; a line stands for the windows since the one before. */
export function renderSamples(samples, lines = 24) {
  const every = Math.ceil(samples.length / lines);
  const rows = [];
  for (let end = every; end <= samples.length; end += every) {
    const group = samples.slice(end - every, end);
    const last = group.at(-1);
    const most = (key) => Math.max(...group.map((sample) => sample[key]));
    const middle = summarize(group.map(({ perSecond, cpuMicros }) => ({ perSecond, cpuMicros })));
    const quiet = group.filter(({ followsCollection }) => !followsCollection);
    rows.push([
      whole(last.seconds),
      whole(middle.perSecond),
      whole(middle.cpuMicros),
      (quiet.length === 0 ? group : quiet).reduce((max, { p99Ms }) => Math.max(max, p99Ms), 0).toFixed(1),
      most('delayP99Ms').toFixed(1),
      most('delayMaxMs').toFixed(1),
      most('ownMaxMs').toFixed(1),
      mib(group.findLast(({ liveBytes }) => liveBytes !== undefined)?.liveBytes),
      mib(most('rssBytes')),
      mib(most('fileBytes')),
      mib(most('journalBytes')),
      whole(last.spans),
      whole(last.logs),
      whole(most('queued')),
      whole(last.evicted),
      whole(last.dropped),
      whole(last.kept.rare),
      whole(last.kept.failing),
    ]);
  }
  const header = [
    'seconds',
    'req/s',
    'CPU us/req',
    'p99 ms',
    'loop p99 ms',
    'loop max ms',
    'own max ms',
    'live MiB',
    'resident MiB',
    'file MiB',
    'journal MiB',
    'spans',
    'logs',
    'queue',
    'evicted',
    'dropped',
    'rare',
    'failed',
  ];
  return renderTable(header, rows);
}

/** Each claim with whether it held. */
export function judge({ samples, store, made, answered }, { maxBytes, rate, burst }) {
  const claims = [];
  const claim = (holds, text) => claims.push({ holds, text });
  const most = (key) => Math.max(...samples.map((sample) => sample[key]));
  const { perSecond } = summarize(samples.map(({ perSecond }) => ({ perSecond })));
  claim(perSecond >= rate * 0.98, `${whole(perSecond)} of ${whole(rate)} requests/s were answered`);

  const quarters = [1, 2, 3, 4].map((number) => liveBytesOf(samples, number));
  const [, early, , late] = quarters;
  const isFlat = early !== undefined && late !== undefined && late <= early * GROWTH.share + GROWTH.bytes;
  claim(isFlat, `live memory by quarter: ${quarters.map((bytes) => mib(bytes) || '?').join(', ')} MiB`);

  const [file, journal] = [most('fileBytes'), most('journalBytes')];
  claim(file <= maxBytes, `file: at most ${mib(file)} MiB of ${mib(maxBytes)}`);
  claim(journal <= MAX_JOURNAL_BYTES, `journal: at most ${mib(journal)} MiB`);

  claim(store.evicted > 0, `${store.evicted} rows were evicted`);
  if (burst > 0) claim(store.dropped > 0, `${store.dropped} rows were dropped in bursts of ${burst} lines`);
  else claim(store.dropped === 0, `${store.dropped} rows were dropped`);
  claim(
    store.known === made,
    `${made} spans and lines were made, ${store.known} are known of: ${store.spans + store.logs} there, ${store.evicted} evicted, ` +
      `${store.dropped} dropped, ${store.queued} waiting`,
  );

  const { kept } = samples.at(-1);
  claim(
    most('rareLost') === 0,
    `rare route: ${kept.rare} of ${answered.rare} traces there at the end, never fewer than answered`,
  );
  claim(
    most('failingLost') === 0,
    `failed: ${kept.failing} of ${answered.failing} traces there at the end, never fewer than answered`,
  );
  const followed = samples.reduce((sum, sample) => sum + sample.kept.followed, 0);
  claim(
    followed > 0 && most('dead') === 0,
    `${followed} dots of charts were followed, at most ${most('dead')} led nowhere`,
  );

  // The plain delay says as much about what else the machine does.
  claim(
    most('ownMaxMs') <= MAX_OWN_MS,
    `the process held up its event loop for at most ${whole(most('ownMaxMs'))} ms (delay of the loop: p99 ${most('delayP99Ms').toFixed(1)}, ` +
      `at most ${most('delayMaxMs').toFixed(1)} ms)`,
  );
  return claims;
}

/** Median of what was live in a quarter of the run; undefined when it was never looked at. */
function liveBytesOf(samples, quarter) {
  const from = Math.floor(((quarter - 1) * samples.length) / 4);
  const looked = samples
    .slice(from, Math.floor((quarter * samples.length) / 4))
    .filter(({ liveBytes }) => liveBytes !== undefined)
    .map(({ liveBytes }) => ({ liveBytes }));
  return looked.length === 0 ? undefined : summarize(looked).liveBytes;
}
