import type { JsonValue } from '../../reader/answers/answer-parts.interface.js';
import type { LogAnswer } from '../../reader/answers/logs.interface.js';
import { formatValue } from '../format.js';

/** A field of a log line as text. */
type FieldText = readonly [key: string, text: string];

const MAX_LENGTH = 80;
const WORD = /[\p{L}\p{N}_]/u;

/** Whether the message has the text as words of its own: the `1` of `attempt` is not in `10 orders`. */
function hasWords(message: string, text: string): boolean {
  if (text === '') return true;
  for (let at = message.indexOf(text); at !== -1; at = message.indexOf(text, at + 1)) {
    const [before = '', after = ''] = [message[at - 1], message[at + text.length]];
    if (!WORD.test(before + after)) return true;
  }
  return false;
}

/** Whether the message says a value: as it is, or a number of milliseconds rounded, as in `GET /orders/:id 200 12ms`. */
function isSaid(message: string, value: JsonValue, text: string): boolean {
  if (hasWords(message, text)) return true;
  return typeof value === 'number' && hasWords(message, `${Math.round(value)}ms`);
}

/**
 * The first fields of a line that its message does not say: request lines have nearly everything in both.
 *
 * @param elsewhere keys of fields that are shown beside the message
 * @param most how many
 */
export function fieldsBeyondMessage(
  { attributes, message }: Pick<LogAnswer, 'attributes' | 'message'>,
  elsewhere: readonly string[] = [],
  most = Infinity,
): readonly FieldText[] {
  const found: FieldText[] = [];
  for (const [key, value] of Object.entries(attributes)) {
    if (found.length >= most) break;
    if (key === 'exception.stacktrace' || elsewhere.includes(key)) continue;
    const text = formatValue(value).slice(0, MAX_LENGTH);
    if (!isSaid(message, value, text)) found.push([key, text]);
  }
  return found;
}
