import type { LogAnswer } from '../../../reader/answers/logs.interface.js';
import { formatDateTime, shortId } from '../../../ui/format.js';
import { AttributesWithStack } from '../../../ui/parts/attribute-table.js';
import { Level } from '../../../ui/parts/level.js';
import { linesAround } from '../../../ui/parts/lines-around.js';
import { SidePanel } from '../../../ui/parts/side-panel.js';
import { addressOf, addressWith, type Place } from '../../../ui/state.js';
import { columnsOf, MAX_COLUMNS } from './columns.js';

interface LogDetailsProps {
  readonly log: LogAnswer;
  readonly place: Place;
  readonly onClose: () => void;
}

/** One line with all its fields; each of them can become a filter. */
export function LogDetails({ log, place, onClose }: LogDetailsProps) {
  const filters = place.query.getAll('attribute');
  const columns = columnsOf(place.query);
  const { traceId, spanId } = log;
  const title = (
    <span class="panel-title">
      <Level level={log.level} /> {log.service}
    </span>
  );
  return (
    <SidePanel label="Log line" head={title} closes="Close details" onClose={onClose}>
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
      <p class="buttons">
        <a class="button" href={linesAround(log, log.service)}>
          Lines of {log.service} around it
        </a>
        <a class="button" href={linesAround(log)}>
          Of all services
        </a>
      </p>
      <h3>Fields</h3>
      <AttributesWithStack
        attributes={log.attributes}
        filterAddress={(key, value) =>
          addressWith({ attribute: [...new Set([...filters, `${key}:${value}`])] })
        }
        columnAddress={(key) =>
          columns.includes(key) || columns.length >= MAX_COLUMNS
            ? undefined
            : addressWith({ column: [...columns, key] })
        }
      />
    </SidePanel>
  );
}
