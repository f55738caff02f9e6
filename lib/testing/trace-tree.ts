import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { type ReadableSpan } from '@opentelemetry/sdk-trace';

import { hrTimeToMilliseconds } from '../engine/time-input.js';
import { matchesText } from './matchers/compare-values.js';

/** A span in its place. */
export interface SpanNode {
  /** What is compared and shown of it. */
  readonly span: {
    readonly spanId: string;
    readonly name: string;
    readonly kind: SpanKindText;
    readonly status: SpanStatusText;
    /** 0 for a span that has not ended. */
    readonly durationMs: number;
    readonly attributes: Readonly<Record<string, unknown>>;
  };
  readonly readable: ReadableSpan;
  readonly isOpen: boolean;
  parent: SpanNode | undefined;
  readonly children: SpanNode[];
}

export const SPAN_KINDS = ['internal', 'server', 'client', 'producer', 'consumer'] as const;
export const SPAN_STATUSES = ['unset', 'ok', 'error'] as const;

type SpanKindText = (typeof SPAN_KINDS)[number];
type SpanStatusText = (typeof SPAN_STATUSES)[number];

/** What `traceTree()` shows beside names, kinds, errors and places. */
export interface TraceTreeOptions {
  /** Attributes to show: their names, or patterns of these. Default none: many differ from run to run. */
  readonly attributes?: readonly (string | RegExp)[];
}

const KIND_TEXTS: Readonly<Record<SpanKind, SpanKindText>> = {
  [SpanKind.INTERNAL]: 'internal',
  [SpanKind.SERVER]: 'server',
  [SpanKind.CLIENT]: 'client',
  [SpanKind.PRODUCER]: 'producer',
  [SpanKind.CONSUMER]: 'consumer',
};

const STATUS_TEXTS: Readonly<Record<SpanStatusCode, SpanStatusText>> = {
  [SpanStatusCode.UNSET]: 'unset',
  [SpanStatusCode.OK]: 'ok',
  [SpanStatusCode.ERROR]: 'error',
};

/**
 * Puts spans below each other and returns those without a parent among them.
 *
 * @param spans in the order in which they started, which is that of siblings
 */
export function placeSpans(spans: readonly ReadableSpan[], open: ReadonlySet<ReadableSpan>): SpanNode[] {
  const nodes = spans.map((span) => createNode(span, open.has(span)));
  const byId = new Map(nodes.map((node) => [node.span.spanId, node]));
  const roots: SpanNode[] = [];
  for (const node of nodes) {
    const parent = byId.get(node.readable.parentSpanContext?.spanId ?? '');
    if (parent === undefined || parent === node) roots.push(node);
    else {
      node.parent = parent;
      parent.children.push(node);
    }
  }
  return roots;
}

function createNode(readable: ReadableSpan, isOpen: boolean): SpanNode {
  return {
    span: {
      spanId: readable.spanContext().spanId,
      name: readable.name,
      kind: KIND_TEXTS[readable.kind],
      status: STATUS_TEXTS[readable.status.code],
      durationMs: isOpen ? 0 : hrTimeToMilliseconds(readable.duration),
      attributes: readable.attributes,
    },
    readable,
    isOpen,
    parent: undefined,
    children: [],
  };
}

/** All nodes, parents before their children. */
export function* walk(roots: readonly SpanNode[]): Generator<SpanNode> {
  const waiting = roots.toReversed();
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    yield node;
    pushReversed(waiting, node.children);
  }
}

/** For a list of any length: each argument of `push(...list)` is on the stack of calls. */
function pushReversed<T>(onto: T[], list: readonly T[]): void {
  for (const item of list.toReversed()) onto.push(item);
}

/** The spans as text, one a line, without ids and times. `maxLines`: what is cut away is counted. */
export function drawTree(
  roots: readonly SpanNode[],
  { attributes = [] }: TraceTreeOptions = {},
  maxLines = Infinity,
): string {
  const nodes = new Map([...walk(roots)].map((node) => [node.span.spanId, node]));
  const lines: string[] = [];
  const waiting = roots.map((node) => ({ node, lead: '', indent: '' })).reverse();
  for (let next = waiting.pop(); next !== undefined && lines.length < maxLines; next = waiting.pop()) {
    const { node, lead, indent } = next;
    lines.push(`${lead}${describeNode(node, nodes)}${shownAttributes(node, attributes)}`);
    const { children } = node;
    const below = children.map((child, index) => {
      const isLast = index === children.length - 1;
      return {
        node: child,
        lead: `${indent}${isLast ? '└─' : '├─'} `,
        indent: `${indent}${isLast ? '  ' : '│ '} `,
      };
    });
    pushReversed(waiting, below);
  }
  const left = nodes.size - lines.length;
  if (left > 0) lines.push(`… and ${left} more`);
  return lines.join('\n');
}

function describeNode(node: SpanNode, nodes: ReadonlyMap<string, SpanNode>): string {
  const { span, readable, isOpen, parent } = node;
  const linked = readable.links
    .map(({ context }) => nodes.get(context.spanId)?.span.name)
    .filter((name) => name !== undefined);
  return [
    span.name,
    span.kind === 'internal' ? '' : ` [${span.kind}]`,
    parent === undefined && readable.parentSpanContext !== undefined
      ? ' (below a span that is not here)'
      : '',
    linked.length === 0 ? '' : ` (linked to ${linked.join(', ')})`,
    isOpen ? ' (has not ended)' : '',
    span.status === 'error' ? ` ERROR ${readable.status.message ?? ''}`.trimEnd() : '',
  ].join('');
}

function shownAttributes({ span }: SpanNode, wanted: readonly (string | RegExp)[]): string {
  const shown = Object.entries(span.attributes)
    .filter(([name]) => wanted.some((want) => matchesText(name, want)))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return shown.map(([name, value]) => ` ${name}=${JSON.stringify(value)}`).join('');
}

/** Name of a span for a message, with its parent's. */
export function nameWithParent({ span, parent }: SpanNode): string {
  return parent === undefined ? `"${span.name}"` : `"${span.name}" below "${parent.span.name}"`;
}
