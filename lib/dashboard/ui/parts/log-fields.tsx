import type { LogAnswer } from '../../reader/answers/logs.interface.js';
import { fieldsBeyondMessage } from './fields-beyond-message.js';

/** Fields that fit behind a message. */
const MOST = 4;

interface LogFieldsProps {
  readonly of: LogAnswer;
  /** Fields that are shown in columns of their own. */
  readonly columns?: readonly string[];
}

/** The first fields of a line that are not part of its message. */
export function LogFields({ of, columns }: LogFieldsProps) {
  return (
    <>
      {fieldsBeyondMessage(of, columns, MOST).map(([key, text]) => (
        <span key={key} class="log-field">
          {key}=<b>{text}</b>
        </span>
      ))}
    </>
  );
}
