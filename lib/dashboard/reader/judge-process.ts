import { type ProcessHealthAnswer, type ProcessReport } from './answers/processes.interface.js';

/** A process writes how it does at least every 15 seconds, or sends metrics every minute: so long without is no delay. */
const SILENT_MS = { writes: 60_000, sends: 180_000 } as const;

/**
 * Whether a process still reports.
 *
 * @param how whether it writes to this store, or sends metrics
 */
export function stateOf(
  lastSeen: number,
  how: keyof typeof SILENT_MS,
  now = Date.now(),
): 'running' | 'silent' {
  return now - lastSeen > SILENT_MS[how] ? 'silent' : 'running';
}

/** From here on a queue will soon drop what comes. */
const FULL_SHARE = 0.8;

/** What is wrong with the telemetry of a process, the worst first. */
const TROUBLES = {
  failing: ({ exporters }) => exporters.some(({ failingSince }) => failingSince !== undefined),
  lost: ({ exporters }) => exporters.some(({ failed, dropped }) => failed + dropped > 0),
  storeLost: ({ store }) => (store?.dropped ?? 0) > 0,
  queueFull: ({ exporters }) =>
    exporters.some(({ queued = 0, queueCapacity = Infinity }) => queued >= queueCapacity * FULL_SHARE),
  notRecorded: ({ notRecorded = [] }) => notRecorded.length > 0,
  warned: ({ warnings }) => (warnings?.count ?? 0) > 0,
} as const satisfies Readonly<Record<string, (report: ProcessReport) => boolean>>;

export type ProcessTrouble = 'silent' | keyof typeof TROUBLES;

/** What is wrong with a process, the worst first; of one that has ended, what was. */
export function troublesOf(process: ProcessHealthAnswer): readonly ProcessTrouble[] {
  const found = Object.entries(TROUBLES).flatMap(([name, isTrue]) =>
    // The entries of the list have its keys.
    isTrue(process) ? [name as ProcessTrouble] : [],
  );
  return process.state === 'silent' ? ['silent', ...found] : found;
}

const ORDER: readonly ProcessTrouble[] = ['silent', ...(Object.keys(TROUBLES) as ProcessTrouble[])];

/** Those that run or are silent first, the worst of them first, and of equal ones the last seen. */
export function compareHealth(a: ProcessHealthAnswer, b: ProcessHealthAnswer): number {
  const rank = (process: ProcessHealthAnswer): number => {
    const [worst] = troublesOf(process);
    return worst === undefined ? ORDER.length : ORDER.indexOf(worst);
  };
  const ended = Number(a.state === 'ended') - Number(b.state === 'ended');
  return ended || rank(a) - rank(b) || b.lastSeen - a.lastSeen;
}
