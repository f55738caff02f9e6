import { MAX_COUNTED_USERS } from '../../../reader/answers/errors.interface.js';
import { formatExact } from '../../../ui/format.js';

/** `12`, or `500+` where there may be more than are counted. */
export function formatUsers(users: number): string {
  if (users === 0) return '–';
  return formatExact(users) + (users >= MAX_COUNTED_USERS ? '+' : '');
}
