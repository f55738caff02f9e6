import type { JudgedProcess } from '../query.js';

const WORDS: Readonly<Record<JudgedProcess['troubles'][number], string>> = {
  silent: 'silent',
  failing: 'export fails',
  lost: 'lost telemetry',
  storeLost: 'store lost rows',
  queueFull: 'queue nearly full',
  notRecorded: 'library not recorded',
  warned: 'warnings',
};

/** What is wrong with a process, in words, the worst first; `ok` where nothing is. */
export function nameTroubles({ state, troubles }: Pick<JudgedProcess, 'state' | 'troubles'>): string {
  const words = troubles.map((trouble) => WORDS[trouble]);
  if (state === 'ended') return ['ended', ...words].join(', ');
  return words.join(', ') || 'ok';
}

/** Warnings, and libraries that are not recorded, lose nothing that was recorded. */
export function toneOf({ state, troubles }: Pick<JudgedProcess, 'state' | 'troubles'>): '' | 'warn' | 'bad' {
  const [worst] = troubles;
  if (state === 'ended' || worst === undefined) return '';
  return worst === 'notRecorded' || worst === 'warned' ? 'warn' : 'bad';
}
