import { type ComponentChildren, Fragment } from 'preact';

import type { SpanAnswer, SpanEventAnswer } from '../../../reader/answers/traces.interface.js';
import { clientOf } from '../../../ui/client.js';
import { formatDuration, formatTime, formatValue, plural, shortId } from '../../../ui/format.js';
import { AttributesWithStack, AttributeTable } from '../../../ui/parts/attribute-table.js';
import { type Figure, Figures } from '../../../ui/parts/figures.js';
import { serviceClass } from '../../../ui/parts/service-colour.js';
import { attributesOfSource, sourceOf } from '../../../ui/parts/source-link.js';
import { Stack } from '../../../ui/parts/stack.js';
import { useLoad } from '../../../ui/parts/use-load.js';
import { addressOf } from '../../../ui/state.js';
import { CpuLink } from '../../profiles/view/cpu-link.js';
import type { TraceApi } from '../query.js';
import { describeOverrun, describeShift } from './clock-shift.js';
import { LogLines } from './log-lines.js';
import { readModelCall } from './model-call.js';
import { targetOf } from './span-target.js';
import { logsAround, type TraceNode, type TraceTree } from './trace-tree.js';

const traceApi = clientOf<TraceApi>();

function Section({ title, children }: { readonly title: string; readonly children: ComponentChildren }) {
  return (
    <section class="panel-section">
      <h3>{title}</h3>
      {children}
    </section>
  );
}

function Event({ event, span }: { readonly event: SpanEventAnswer; readonly span: SpanAnswer }) {
  return (
    <div class={event.name === 'exception' ? 'event event-exception' : 'event'}>
      <p>
        <b>{event.name}</b>{' '}
        <span class="hint">
          {formatTime(event.time)}, {formatDuration(Math.max(0, event.time - span.start))} after the start
        </span>
      </p>
      <AttributesWithStack attributes={event.attributes} />
    </div>
  );
}

/** The events, with their stacks as text until these are read. */
function Exceptions({
  span,
  events,
}: {
  readonly span: SpanAnswer;
  readonly events: readonly SpanEventAnswer[];
}) {
  const { traceId, spanId } = span;
  const { data } = useLoad(`stacks|${traceId}|${spanId}`, (signal) =>
    traceApi.get('traces/:traceId/spans/:spanId/stacks', { traceId, spanId }, signal),
  );
  return (
    <>
      {events.map((event, index) => {
        const stack = data?.stacks[index] ?? [];
        if (!stack.some(({ frames }) => frames.length > 0))
          return <Event key={index} event={event} span={span} />;
        const others = Object.entries(event.attributes).filter(([key]) => key !== 'exception.stacktrace');
        return (
          <div key={index}>
            <Event event={{ ...event, attributes: Object.fromEntries(others) }} span={span} />
            <Stack parts={stack} />
          </div>
        );
      })}
    </>
  );
}

interface SpanPanelProps {
  readonly node: TraceNode;
  readonly tree: TraceTree;
  readonly selfMs: number | undefined;
  /** How links to the source look. */
  readonly editor: string | null | undefined;
}

function SourceLine({ span, editor }: { readonly span: SpanAnswer } & Pick<SpanPanelProps, 'editor'>) {
  const source = sourceOf({ ...attributesOfSource(span.source), ...span.attributes }, editor);
  if (!source) return null;
  const place = `${source.file}${source.line === undefined ? '' : `:${source.line}`}`;
  return (
    <p class="source">
      <span class="code">{place}</span> {source.href && <a href={source.href}>open in editor</a>}
    </p>
  );
}

/** Minutes of the process before and after the span. */
const AROUND_MS = 5 * 60_000;

function processAddress({ service, traceId, start, durationMs }: SpanAnswer): string {
  const [at, until] = [Math.round(start), Math.round(start + durationMs)];
  const span = { range: undefined, from: at - AROUND_MS, to: until + AROUND_MS };
  return addressOf(['runtime'], { ...span, service, traceId, at, until });
}

function failureOf({ attributes }: SpanAnswer): string {
  const type = attributes['error.type'];
  return type === undefined ? 'Failed' : `Failed: ${formatValue(type)}`;
}

const factsOf = ({ node: { span, start }, tree, selfMs }: SpanPanelProps): readonly Figure[] => [
  ['Duration', formatDuration(span.durationMs)],
  ['Self time', formatDuration(selfMs)],
  ['Starts after', formatDuration(start - tree.start)],
  ['Clock moved by', start === span.start ? undefined : formatDuration(start - span.start)],
  ['Kind', span.kind],
  ['Span', span.spanId],
  ['Scope', span.scope],
];

function ModelCall({ span }: { readonly span: SpanAnswer }) {
  const call = readModelCall(span);
  if (!call) return null;
  return (
    <Section title="Model call">
      <Figures of={call.facts} class="facts" />
      {call.left > 0 && <p class="hint">{plural(call.left, 'earlier message')} not shown.</p>}
      {call.messages.map(({ role, text }, index) => (
        // Messages have no identity but their place.
        <div key={index} class="model-message">
          <p class="hint">{role}</p>
          <pre class="message">{text}</pre>
        </div>
      ))}
    </Section>
  );
}

/** All data of one span; its logs before its attributes, because they help most. */
export function SpanPanel(props: SpanPanelProps) {
  const { node, editor } = props;
  const { span } = node;
  const target = targetOf(span);
  const around = logsAround(node);
  const timing = [describeShift(node), describeOverrun(node)].filter((text) => text !== undefined);
  const exceptions = span.events.filter(({ name }) => name === 'exception');
  const events = span.events.filter(({ name }) => name !== 'exception');
  return (
    <div class={`span-panel ${serviceClass(span.service)}`}>
      <h2>
        <i class="swatch" aria-hidden="true" /> {span.name}{' '}
        {target !== undefined && <span class="target">{target}</span>}{' '}
        <span class="service-name">{span.service}</span>
      </h2>
      <SourceLine span={span} editor={editor} />
      {span.status === 'error' && (
        <p class="status-error">
          <b class="mark mark-error">!</b> {span.statusMessage ?? failureOf(span)}
        </p>
      )}
      <Figures of={factsOf(props)} class="facts" />
      <p>
        <a href={processAddress(span)}>The process at this moment</a> <CpuLink span={span} />
      </p>
      {timing.map((text) => (
        <p key={text} class="hint">
          {text}
        </p>
      ))}
      <ModelCall span={span} />
      <Section title={`Logs of this span (${node.logs.length})`}>
        {around.length === 0 && <p class="hint">None.</p>}
        {around.map(({ of, logs }) => (
          <Fragment key={of.span.spanId}>
            {of !== node && <p class="hint">From the parent span {of.span.name}:</p>}
            <LogLines logs={logs} label={`Logs of ${of.span.name}`} />
          </Fragment>
        ))}
      </Section>
      {exceptions.length > 0 && (
        <Section title="Exception">
          <Exceptions span={span} events={exceptions} />
        </Section>
      )}
      <Section title={`Attributes (${Object.keys(span.attributes).length})`}>
        <AttributeTable
          attributes={span.attributes}
          filterAddress={(key, value) => addressOf(['traces'], { attribute: `${key}:${value}` })}
        />
      </Section>
      {events.length > 0 && (
        <Section title={`Events (${events.length})`}>
          {events.map((event) => (
            <Event key={`${event.name}${event.time}`} event={event} span={span} />
          ))}
        </Section>
      )}
      {span.links.length > 0 && (
        <Section title="Links">
          {span.links.map((link) => (
            <p key={link.spanId}>
              <a href={addressOf(['trace', link.traceId], { span: link.spanId })}>
                trace {shortId(link.traceId)}, span {shortId(link.spanId)}
              </a>
            </p>
          ))}
        </Section>
      )}
    </div>
  );
}
