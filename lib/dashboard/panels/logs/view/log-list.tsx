import type { JsonValue } from '../../../reader/answers/answer-parts.interface.js';
import type { LogAnswer } from '../../../reader/answers/logs.interface.js';
import { formatTime, formatValue, shortId } from '../../../ui/format.js';
import { memo, useStable } from '../../../ui/parts/compat.js';
import { Level } from '../../../ui/parts/level.js';
import { LiveList } from '../../../ui/parts/live-list.js';
import { LogFields } from '../../../ui/parts/log-fields.js';
import { serviceClass } from '../../../ui/parts/service-colour.js';
import { levelClass } from '../../../ui/parts/severity.js';
import type { LivePages } from '../../../ui/parts/use-live-pages.js';
import { addressOf } from '../../../ui/state.js';

const ROW_HEIGHT = 24;
interface RowProps {
  readonly log: LogAnswer;
  readonly index: number;
  readonly active: boolean;
  readonly columns: readonly string[];
  readonly onOpen: (log: LogAnswer) => void;
}

const Row = memo(function Row({ log, index, active, columns, onOpen }: RowProps) {
  return (
    <div
      id={`logs-${index}`}
      class={`log-row ${levelClass(log.level)} ${active ? 'active' : ''}`}
      role="row"
      aria-rowindex={index + 1}
      aria-selected={active}
      onClick={() => {
        onOpen(log);
      }}
    >
      <time role="gridcell">{formatTime(log.time)}</time>
      <span role="gridcell">
        <Level level={log.level} />
      </span>
      <span role="gridcell" class={`log-service ${serviceClass(log.service)}`}>
        <i class="swatch" aria-hidden="true" /> {log.service}
      </span>
      <span role="gridcell" class="log-trace">
        {log.traceId !== undefined && (
          <a
            href={addressOf(['trace', log.traceId], { span: log.spanId })}
            title="Open the trace at the span that wrote this line"
            tabIndex={-1}
          >
            {shortId(log.traceId)}
          </a>
        )}
      </span>
      {columns.map((key) => (
        <Cell key={key} name={key} value={log.attributes[key]} />
      ))}
      <span role="gridcell" class="log-message">
        {log.context !== undefined && <span class="context">{log.context}</span>} {log.message}{' '}
        <LogFields of={log} columns={columns} />
      </span>
    </div>
  );
});

const MAX_TEXT = 200;

/** A field in its column; empty where the line does not have it. */
function Cell({ name, value }: { readonly name: string; readonly value: JsonValue | undefined }) {
  const text = value === undefined ? '' : formatValue(value).slice(0, MAX_TEXT);
  return (
    <span
      role="gridcell"
      class="log-column"
      title={text}
      aria-label={text === '' ? undefined : `${name} ${text}`}
    >
      {text}
    </span>
  );
}

interface LogListProps {
  readonly pages: LivePages<LogAnswer>;
  readonly openId: number | undefined;
  /** Fields that have a column; always the same list for the same ones. */
  readonly columns: readonly string[];
  readonly onOpen: (log: LogAnswer) => void;
}

/** Log lines as rows of one height, of which only those in sight are rendered. */
export function LogList({ pages, openId, columns, onOpen }: LogListProps) {
  const onRowOpen = useStable(onOpen);
  const active = pages.items.findIndex(({ id }) => id === openId);
  return (
    <LiveList
      id="logs"
      class="card log-list"
      label="Log lines, newest first"
      pages={pages}
      thing="line"
      rowHeight={ROW_HEIGHT}
      active={active}
      onActive={onOpen}
      onOpen={(_, index) => {
        document.querySelector<HTMLAnchorElement>(`#logs-${index} .log-trace a`)?.click();
      }}
    >
      {(log, index) => (
        <Row
          key={log.id}
          log={log}
          index={index}
          active={index === active}
          columns={columns}
          onOpen={onRowOpen}
        />
      )}
    </LiveList>
  );
}
