import type { LogAnswer } from '../../../reader/answers.interface.js';
import { formatDateTime, formatValue, shortId } from '../../../ui/format.js';
import { AttributeTable } from '../../../ui/parts/attribute-table.js';
import { Level } from '../../../ui/parts/level.js';
import { addressOf, addressWith, type Place } from '../../../ui/state.js';

/** One line with all its fields; each of them can become a filter. */
export function LogDetails({
  log,
  place,
  onClose,
}: {
  readonly log: LogAnswer;
  readonly place: Place;
  readonly onClose: () => void;
}) {
  const { 'exception.stacktrace': stack, ...fields } = log.attributes;
  const attributes = place.query.getAll('attribute');
  const { traceId, spanId } = log;
  return (
    <aside class="panel" aria-label="Log line">
      <div class="tabs">
        <span class="panel-title">
          <Level level={log.level} /> {log.service}
        </span>
        <button type="button" class="close" aria-label="Close details" onClick={onClose}>
          ×
        </button>
      </div>
      <div class="panel-body">
        <p class="hint">
          {formatDateTime(log.time)} {log.context !== undefined && <span class="context">{log.context}</span>}
        </p>
        <pre class="message">{log.message}</pre>
        {traceId !== undefined && (
          <p class="buttons">
            <a class="button" href={addressOf(['trace', traceId], { span: spanId })}>
              Trace {shortId(traceId)}, at its span
            </a>
            <a class="button" href={addressWith({ traceId, log: undefined })}>
              Logs of this trace
            </a>
          </p>
        )}
        <h3>Fields</h3>
        <AttributeTable
          attributes={fields}
          filterAddress={(key, value) =>
            addressWith({
              attribute: [...attributes.filter((each) => each !== `${key}:${value}`), `${key}:${value}`],
            })
          }
        />
        {stack !== undefined && (
          <>
            <h3>Stack</h3>
            <pre class="stack">{formatValue(stack)}</pre>
          </>
        )}
      </div>
    </aside>
  );
}
