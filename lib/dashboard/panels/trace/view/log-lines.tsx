import type { LogAnswer } from '../../../reader/answers/logs.interface.js';
import { formatTime } from '../../../ui/format.js';
import { AttributesWithStack } from '../../../ui/parts/attribute-table.js';
import { Level } from '../../../ui/parts/level.js';
import { linesAround } from '../../../ui/parts/lines-around.js';
import { LogFields } from '../../../ui/parts/log-fields.js';
import { levelClass } from '../../../ui/parts/severity.js';
import { addressOf } from '../../../ui/state.js';

const MOST = 500;

interface LogLinesProps {
  readonly logs: readonly LogAnswer[];
  readonly label: string;
  /** Leads to the span of a line; undefined where all are of one span. */
  readonly onSpan?: (spanId: string) => void;
}

/** Log lines in the order they were written; each opens to its fields. */
export function LogLines({ logs, label, onSpan }: LogLinesProps) {
  if (logs.length === 0) return <p class="hint">None.</p>;
  return (
    <div class="log-lines" role="group" aria-label={label}>
      {logs.slice(0, MOST).map((log) => {
        const { spanId } = log;
        return (
          <details key={log.id} class={`log-line ${levelClass(log.level)}`}>
            <summary>
              <time>{formatTime(log.time)}</time> <Level level={log.level} />{' '}
              {log.context !== undefined && <span class="context">{log.context}</span>}{' '}
              <span class="message">{log.message}</span> <LogFields of={log} />
              {onSpan && spanId !== undefined && (
                <button
                  type="button"
                  class="link"
                  onClick={(event) => {
                    event.preventDefault();
                    onSpan(spanId);
                  }}
                >
                  span
                </button>
              )}
            </summary>
            <AttributesWithStack
              attributes={log.attributes}
              filterAddress={(key, value) => addressOf(['logs'], { attribute: `${key}:${value}` })}
            />
            <a href={addressOf(['logs'], { traceId: log.traceId })}>all logs of this trace</a>{' '}
            <a href={linesAround(log)}>lines around this one</a>
          </details>
        );
      })}
      {logs.length > MOST && (
        <p class="hint">
          The first {MOST} of {logs.length}.{' '}
          <a href={addressOf(['logs'], { traceId: logs[0]?.traceId })}>All of them</a>
        </p>
      )}
    </div>
  );
}
