import type { TimeKind } from '../analysis/time-kinds.js';

/** On what time is spent, in words. */
export const KIND_WORDS: Readonly<Record<TimeKind, string>> = {
  database: 'Database',
  http: 'HTTP out',
  cache: 'Cache',
  messaging: 'Messaging',
  handler: 'Your code',
  waiting: 'Waiting (connections, network)',
};
