import type { LogAnswer } from '../../reader/answers.interface.js';
import { formatValue } from '../format.js';

/** Fields that fit behind a message. */
const MOST = 4;

/** The first fields of a line that are not part of its message: request lines have everything twice. */
export function LogFields({ of: { attributes, message } }: { readonly of: LogAnswer }) {
  const shown = Object.entries(attributes)
    .map(([key, value]) => [key, formatValue(value).slice(0, 80)] as const)
    .filter(([key, text]) => key !== 'exception.stacktrace' && !message.includes(text))
    .slice(0, MOST);
  return (
    <>
      {shown.map(([key, text]) => (
        <span key={key} class="log-field">
          {key}=<b>{text}</b>
        </span>
      ))}
    </>
  );
}
