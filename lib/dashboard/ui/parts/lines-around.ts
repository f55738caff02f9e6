import type { LogAnswer } from '../../reader/answers/logs.interface.js';
import { addressOf } from '../state.js';

const AROUND_MS = 5_000;

/** The address of the lines of 5 s before and after one, with that one open. @param service undefined: of all services */
export function linesAround({ id, time }: LogAnswer, service?: string): string {
  const span = { from: Math.floor(time) - AROUND_MS, to: Math.floor(time) + AROUND_MS + 1 };
  return addressOf(['logs'], { ...span, range: undefined, service, log: id });
}
