import { formatDuration, formatTime } from '../../../ui/format.js';
import { memo } from '../../../ui/parts/compat.js';
import { serviceClass } from '../../../ui/parts/service-colour.js';
import { levelClass } from '../../../ui/parts/severity.js';
import { describeShift } from './clock-shift.js';
import { targetOf } from './span-target.js';
import type { TraceNode } from './trace-tree.js';

/** The stretch of time that the waterfall shows. */
export interface Extent {
  readonly start: number;
  /** From the start of the trace. */
  readonly offset: number;
  readonly durationMs: number;
}

interface RowProps {
  readonly index: number;
  readonly node: TraceNode;
  readonly extent: Extent;
  readonly selfMs: number | undefined;
  readonly isActive: boolean;
  readonly isFound: boolean;
  readonly isClosed: boolean;
  readonly isCritical: boolean;
  /** How often the query of the span was sent; undefined where it was not repeated. */
  readonly repeats: number | undefined;
  readonly onSelect: (node: TraceNode) => void;
  readonly onToggle: (node: TraceNode) => void;
}

/** More stretches or dots than this in a bar cannot be distinguished. */
const MOST_MARKS = 40;
const DEEPEST_INDENT = 14;

function Bar({ node, extent }: Pick<RowProps, 'node' | 'extent'>) {
  const { span, self, logs } = node;
  const percent = (ms: number): string => `${(ms / extent.durationMs) * 100}%`;
  const within = (ms: number): string => `${(ms / Math.max(span.durationMs, 0.000_001)) * 100}%`;
  return (
    <span role="gridcell" class="waterfall-track">
      <span
        class="bar-span"
        style={{ left: percent(node.start - extent.start), width: percent(span.durationMs) }}
      >
        {self.slice(0, MOST_MARKS).map(([from, to]) => (
          <i key={from} class="bar-self" style={{ left: within(from), width: within(to - from) }} />
        ))}
      </span>
      {logs.slice(0, MOST_MARKS).map((log) => (
        <i
          key={log.id}
          class={`log-dot ${levelClass(log.level)}`}
          style={{ left: percent(node.start + log.time - span.start - extent.start) }}
          title={`${formatTime(log.time)} ${log.level}: ${log.message}`}
        />
      ))}
    </span>
  );
}

function Name({ node, isClosed, repeats, onToggle }: RowProps) {
  const { span, children, below, depth, orphan } = node;
  const target = targetOf(span);
  const shift = describeShift(node);
  return (
    <span
      role="gridcell"
      class="waterfall-name"
      style={{ paddingLeft: `${Math.min(depth, DEEPEST_INDENT) * 14}px` }}
    >
      {children.length > 0 ? (
        <button
          type="button"
          class="twisty"
          tabIndex={-1}
          aria-label={isClosed ? `Open ${span.name}` : `Collapse ${span.name}`}
          onClick={(event) => {
            event.stopPropagation();
            onToggle(node);
          }}
        >
          {isClosed ? '▸' : '▾'}
        </button>
      ) : (
        <span class="twisty" />
      )}
      <i class="swatch" aria-hidden="true" />
      {span.status === 'error' && (
        <b class="mark mark-error" role="img" aria-label="failed">
          !
        </b>
      )}
      {repeats !== undefined && (
        <b class="mark mark-repeated" title={`The same query ${repeats} times`}>
          ×{repeats}
        </b>
      )}
      <span class="name" title={target === undefined ? span.name : `${span.name} ${target}`}>
        {span.name}
        {target !== undefined && <span class="target"> {target}</span>}
      </span>
      {/* Where it goes on in the same service, the colour says so. */}
      {span.service !== node.parent?.span.service && <span class="service-name">{span.service}</span>}
      {shift !== undefined && (
        <b class="mark mark-shifted" role="img" aria-label="moved in time" title={shift}>
          ⇄
        </b>
      )}
      {orphan && <span class="hint">parent missing</span>}
      {isClosed && <span class="hint">+{below}</span>}
    </span>
  );
}

/** One span of the waterfall. */
export const WaterfallRow = memo((props: RowProps) => {
  const { index, node, extent, selfMs, isActive, isFound, isClosed, isCritical, onSelect } = props;
  const { span, children, depth } = node;
  const classes = [
    'waterfall-row',
    serviceClass(span.service),
    isActive ? 'active' : '',
    isFound ? 'found' : '',
    isCritical ? 'critical' : '',
    span.status === 'error' ? 'failed' : '',
  ];
  return (
    <div
      id={`waterfall-${index}`}
      class={classes.filter(Boolean).join(' ')}
      role="row"
      aria-level={depth + 1}
      aria-rowindex={index + 1}
      aria-selected={isActive}
      aria-expanded={children.length > 0 ? !isClosed : undefined}
      data-span={span.spanId}
      onClick={() => {
        onSelect(node);
      }}
    >
      <Name {...props} />
      <Bar node={node} extent={extent} />
      <span role="gridcell" class="waterfall-self">
        {formatDuration(selfMs)}
      </span>
      <span role="gridcell" class="waterfall-duration">
        {formatDuration(span.durationMs)}
      </span>
    </div>
  );
});
