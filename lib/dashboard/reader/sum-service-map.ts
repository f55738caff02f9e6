import {
  ATTR_DB_CLIENT_CONNECTION_POOL_NAME,
  ATTR_DB_NAMESPACE,
  ATTR_DB_OPERATION_NAME,
  ATTR_DB_SYSTEM_NAME,
  ATTR_GEN_AI_PROVIDER_NAME,
  ATTR_MESSAGING_DESTINATION_NAME,
  ATTR_MESSAGING_SYSTEM,
  ATTR_RPC_METHOD,
  ATTR_RPC_SYSTEM_NAME,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
  ATTR_URL_FULL,
} from '../../config/semantic-conventions.constants.js';
import { getOrAdd } from '../get-or-add.js';
import { type Steps, type TimeSlice } from '../steps.js';
import { type JsonAttributes } from './answers/answer-parts.interface.js';
import {
  type MapEdgeAnswer,
  type MapNodeAnswer,
  type ServiceMapAnswer,
} from './answers/service-map.interface.js';
import { type SpanKindName, type SpanLinkAnswer } from './answers/traces.interface.js';
import { type FieldFilter } from './field-filter.js';
import { hostOf } from './host-of.js';
import { type ServiceMapFilter } from './telemetry-reader.interface.js';
import { WeightedDurations } from './weighted-durations.js';

/** What the map needs of a span. */
export interface MappedSpan {
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly service: string;
  readonly kind: SpanKindName;
  readonly durationMs: number;
  readonly failed: boolean;
  /** How many it stands for; undefined: itself alone. */
  readonly weight?: number | undefined;
  /** Those of internal spans and servers are not read, nor are links but those of consumers. */
  readonly attributes: JsonAttributes;
  readonly links: readonly Pick<SpanLinkAnswer, 'traceId' | 'spanId'>[];
}

/** Of what is not the name of a service. */
const MAX_TEXT = 200;
const MAX_NODES = 1_000;
/** Links of one message that are followed to its sender. */
const MAX_LINKS = 10;

/** Former names that instrumentations still write stand behind those of today. */
const DATABASE_SYSTEMS = [ATTR_DB_SYSTEM_NAME, 'db.system'];
const NAMESPACES = [ATTR_DB_NAMESPACE, 'db.name'];
const MESSAGING_SYSTEMS = [ATTR_MESSAGING_SYSTEM, 'messaging.system'];
/** Templates first: destinations that are made for one answer have one in common. */
const DESTINATIONS = ['messaging.destination.template', ATTR_MESSAGING_DESTINATION_NAME];
const ADDRESSES = [ATTR_SERVER_ADDRESS, 'net.peer.name'];
const PORTS = [ATTR_SERVER_PORT, 'net.peer.port'];
const URLS = [ATTR_URL_FULL, 'http.url'];
const RPC_SYSTEMS = [ATTR_RPC_SYSTEM_NAME, 'rpc.system'];
/** What names the other side where no attribute has its address. */
const PEERS = ['peer.service', 'rpc.service', ATTR_GEN_AI_PROVIDER_NAME, 'gen_ai.system'];

/** The first of several attributes that is there, as a condition. */
function conditionOf(attributes: JsonAttributes, keys: readonly string[]): FieldFilter | undefined {
  for (const key of keys) {
    const value = attributes[key];
    if (typeof value === 'number') return { key, value: String(value) };
    if (typeof value !== 'string' || value === '') continue;
    if (value.length <= MAX_TEXT) return { key, value };
    return { key, value: value.slice(0, MAX_TEXT), operator: '~' };
  }
  return undefined;
}

const present = (...conditions: readonly (FieldFilter | undefined)[]): readonly FieldFilter[] =>
  conditions.filter((condition) => condition !== undefined);

function nodeOf(
  kind: MapNodeAnswer['kind'],
  name: string,
  { system, address, conditions = [] }: Partial<MapNodeAnswer> = {},
): MapNodeAnswer {
  const prefix = kind === 'host' || system === undefined ? '' : `${system}/`;
  const suffix = address === undefined ? '' : `@${address}`;
  return { id: `${kind}:${prefix}${name}${suffix}`, kind, name, system, address, conditions };
}

const serviceNode = (name: string): MapNodeAnswer => nodeOf('service', name);

/** Host and port of the other side. */
const addressOf = (attributes: JsonAttributes): string | undefined =>
  hostOf({ kind: 'client', attributes })?.slice(0, MAX_TEXT);

function databaseOf({ attributes }: MappedSpan): MapNodeAnswer | undefined {
  const system = conditionOf(attributes, DATABASE_SYSTEMS);
  if (system === undefined) return undefined;
  const namespace = conditionOf(attributes, NAMESPACES);
  const address = addressOf(attributes);
  // Databases of Redis have numbers for names.
  const isNumber = namespace !== undefined && /^\d+$/.test(namespace.value);
  const number = isNumber && namespace.value !== '0' ? `/${namespace.value}` : '';
  const isNamed = namespace !== undefined && !isNumber;
  return nodeOf('database', isNamed ? namespace.value : `${address ?? system.value}${number}`, {
    system: system.value,
    address: isNamed ? address : undefined,
    conditions: present(
      system,
      namespace,
      conditionOf(attributes, ADDRESSES),
      conditionOf(attributes, PORTS),
    ),
  });
}

function queueOf({ attributes }: MappedSpan): MapNodeAnswer | undefined {
  const system = conditionOf(attributes, MESSAGING_SYSTEMS);
  const destination = conditionOf(attributes, DESTINATIONS);
  if (destination === undefined) return undefined;
  const isTemporary = attributes['messaging.destination.temporary'] === true;
  return nodeOf('queue', isTemporary ? '(temporary)' : destination.value, {
    system: system?.value,
    conditions: isTemporary
      ? [{ key: 'messaging.destination.temporary', value: 'true' }]
      : present(system, destination),
  });
}

/** A wait for a connection of a pool, which is part of what waits for it. */
const isConnectionWait = ({ attributes }: MappedSpan): boolean =>
  attributes[ATTR_DB_CLIENT_CONNECTION_POOL_NAME] !== undefined &&
  attributes[ATTR_DB_OPERATION_NAME] === undefined;

/** The host that a client asked. */
function hostNodeOf(span: MappedSpan): MapNodeAnswer | undefined {
  const { attributes } = span;
  const system = conditionOf(attributes, RPC_SYSTEMS)?.value;
  const host = addressOf(attributes);
  if (host !== undefined)
    return nodeOf('host', host, { system, conditions: hostConditions(attributes, host) });
  const peer = conditionOf(attributes, PEERS);
  return peer && nodeOf('host', peer.value, { system, conditions: [peer] });
}

function hostConditions(attributes: JsonAttributes, host: string): readonly FieldFilter[] {
  const address = conditionOf(attributes, ADDRESSES);
  if (address !== undefined) return present(address, conditionOf(attributes, PORTS));
  const url = conditionOf(attributes, URLS);
  return url === undefined ? [] : [{ key: url.key, value: `//${host}`, operator: '~' }];
}

/** What a call without a recorded other side went to. */
const targetOf = (span: MappedSpan): MapNodeAnswer | undefined =>
  databaseOf(span) ?? queueOf(span) ?? hostNodeOf(span);

const isCall = ({ kind }: MappedSpan): boolean => kind === 'client' || kind === 'producer';

/** Calls of one edge. */
interface EdgeSum {
  readonly from: MapNodeAnswer | undefined;
  readonly to: MapNodeAnswer;
  readonly kind: MapEdgeAnswer['kind'];
  readonly durations: WeightedDurations;
  errors: number;
  slowest: { traceId: string; spanId: string };
  slowestMs: number;
  /** What all calls have in common: the most general one is the first. */
  conditions: readonly FieldFilter[];
}

/** A message that was processed; where it came from is known when all traces are read. */
interface Received {
  readonly span: MappedSpan;
  readonly traceId: string;
  /** Its own destination. */
  readonly queue: MapNodeAnswer | undefined;
  /** Spans that may have sent it, by trace and span id. */
  readonly senders: readonly string[];
  /** The service of its parent. */
  readonly caller: string | undefined;
}

/**
 * A call to a host that answered nothing that was recorded, perhaps a service that was down; or to a database that gave no connection,
 * whose name the span does not have.
 */
interface Unanswered {
  readonly span: MappedSpan;
  readonly traceId: string;
  readonly node: MapNodeAnswer;
}

type Counted = Pick<EdgeSum, 'from' | 'to' | 'kind' | 'conditions'>;

/** Adds up what calls what in whole traces: what a database that has no faster way answers `serviceMap()` with. */
export class ServiceMapSums {
  private readonly edges = new Map<string, EdgeSum>();
  private readonly services = new Set<string>();
  private readonly received: Received[] = [];
  private readonly unanswered: Unanswered[] = [];
  /** What the spans that send messages sent them to: a queue, or undefined where it has no name. */
  private readonly senders = new Map<string, { readonly service: string; readonly queue?: MapNodeAnswer }>();
  /** What was behind a host or a database system when a service called it. */
  private readonly answering = new Map<string, Map<string, MapNodeAnswer>>();

  /** Takes all spans of a trace. */
  *addTrace(traceId: string, spans: readonly MappedSpan[], turn: TimeSlice): Steps<void> {
    const byId = new Map<string, MappedSpan>();
    for (const span of spans) byId.set(span.spanId, span);
    const children = new Map<string, MappedSpan[]>();
    for (const span of spans) {
      this.services.add(span.service);
      const parent = span.parentSpanId === undefined ? undefined : byId.get(span.parentSpanId);
      if (parent !== undefined && isCall(parent)) getOrAdd(children, parent.spanId, () => []).push(span);
      if (turn.isOver()) yield* turn.pass();
    }
    for (const span of spans) {
      const parent = span.parentSpanId === undefined ? undefined : byId.get(span.parentSpanId);
      if (isCall(span)) this.addCall(traceId, span, parent, children);
      this.addEntry(traceId, span, parent);
      if (turn.isOver()) yield* turn.pass();
    }
  }

  /** A client or producer: it reached a service, or it names what it called. */
  private addCall(
    traceId: string,
    span: MappedSpan,
    parent: MappedSpan | undefined,
    children: ReadonlyMap<string, readonly MappedSpan[]>,
  ): void {
    const { spanId, service, kind } = span;
    const below = children.get(spanId) ?? [];
    const queue = queueOf(span);
    const from = serviceNode(service);
    if (kind === 'producer') this.senders.set(keyOf(traceId, spanId), { service, ...(queue && { queue }) });
    // Messages are followed through their queue.
    const reached = new Set(
      below.filter((child) => isEntered(span, child, queue !== undefined)).map((child) => child.service),
    );
    for (const each of reached) {
      const to = serviceNode(each);
      const host = kind === 'client' ? hostNodeOf(span) : undefined;
      if (host !== undefined) this.addAnswering(span, host, to);
      const of = kind === 'client' ? 'call' : 'message';
      this.count(traceId, span, { from, to, kind: of, conditions: host?.conditions ?? [] });
    }
    if (reached.size > 0) return;
    // Of a client within another, such as HTTP below a client of a database, the one that reached a service counts, else the outer one.
    const isWithin = parent?.service === service && isCall(parent) && targetOf(parent) !== undefined;
    const isAround = below.some(
      (child) =>
        child.service === service &&
        (children.get(child.spanId) ?? []).some((one) => isEntered(child, one, false)),
    );
    const to = targetOf(span);
    if (to === undefined || isWithin || isAround) return;
    if (isConnectionWait(span)) {
      if (span.failed) this.unanswered.push({ span, traceId, node: to });
    } else if (to.kind === 'host' && kind === 'client') this.unanswered.push({ span, traceId, node: to });
    else {
      if (to.kind === 'database') this.addAnswering(span, to, to);
      const of = to.kind === 'queue' ? 'message' : 'call';
      this.count(traceId, span, { from, to, kind: of, conditions: to.conditions });
    }
  }

  private addAnswering(span: MappedSpan, called: MapNodeAnswer, answering: MapNodeAnswer): void {
    getOrAdd(this.answering, aliasOf(span, called), () => new Map()).set(answering.id, answering);
  }

  /** A span by which a service was entered, or that another service made the parent of. */
  private addEntry(traceId: string, span: MappedSpan, parent: MappedSpan | undefined): void {
    const { service, kind } = span;
    const to = serviceNode(service);
    const isOther = parent !== undefined && parent.service !== service;
    if (kind === 'consumer') {
      // It was counted by the call, or by the message that it is a part of.
      if (parent?.kind === 'client' && isOther) return;
      if (parent?.kind === 'consumer' && !isOther) return;
      this.received.push({
        span,
        traceId,
        queue: queueOf(span),
        senders: [
          keyOf(traceId, span.parentSpanId ?? ''),
          ...span.links.slice(0, MAX_LINKS).map((link) => keyOf(link.traceId, link.spanId)),
        ],
        caller: isOther ? parent.service : undefined,
      });
    } else if (isOther) {
      if (!isCall(parent))
        this.count(traceId, span, { from: serviceNode(parent.service), to, kind: 'call', conditions: [] });
    } else if (kind === 'server' && parent === undefined)
      this.count(traceId, span, { from: undefined, to, kind: 'call', conditions: [] });
  }

  private count(traceId: string, span: MappedSpan, { from, to, kind, conditions }: Counted): void {
    const { spanId, durationMs, failed, weight = 1 } = span;
    const key = `${from?.id ?? ''}\n${to.id}\n${kind}`;
    const sum = getOrAdd(this.edges, key, () => ({
      from,
      to,
      kind,
      durations: new WeightedDurations(),
      errors: 0,
      slowest: { traceId, spanId },
      slowestMs: -1,
      conditions,
    }));
    sum.durations.add(durationMs, weight);
    if (failed) sum.errors += weight;
    if (durationMs > sum.slowestMs) {
      sum.slowestMs = durationMs;
      sum.slowest = { traceId, spanId };
    }
    if (sum.conditions !== conditions) sum.conditions = commonOf(sum.conditions, conditions);
  }

  /** Counts what waited until all traces were read. */
  private *settle(turn: TimeSlice): Steps<void> {
    for (const { span, traceId, node } of this.unanswered.splice(0)) {
      const [answering, another] = this.answering.get(aliasOf(span, node))?.values() ?? [];
      const to = answering === undefined || another !== undefined ? node : answering;
      const from = serviceNode(span.service);
      this.count(traceId, span, { from, to, kind: 'call', conditions: node.conditions });
      if (turn.isOver()) yield* turn.pass();
    }
    const received = this.received.splice(0);
    const queues = yield* this.matchQueues(received, turn);
    for (const { span, traceId, queue, senders, caller } of received) {
      const sender = this.senderOf(senders);
      const service = sender?.service ?? caller;
      const from =
        (queue && (queues.get(queue.id) ?? queue)) ??
        sender?.queue ??
        (service === undefined ? undefined : serviceNode(service));
      const conditions = queue?.conditions ?? [];
      this.count(traceId, span, { from, to: serviceNode(span.service), kind: 'message', conditions });
      if (turn.isOver()) yield* turn.pass();
    }
  }

  private senderOf(senders: readonly string[]) {
    return senders.map((key) => this.senders.get(key)).find((sender) => sender !== undefined);
  }

  /**
   * What senders call a queue, by what its consumers call it, such as the exchange of a queue of RabbitMQ; without queues whose messages
   * came from several.
   */
  private *matchQueues(
    received: readonly Received[],
    turn: TimeSlice,
  ): Steps<ReadonlyMap<string, MapNodeAnswer>> {
    const matched = new Map<string, MapNodeAnswer | undefined>();
    for (const { queue, senders } of received) {
      const sent = this.senderOf(senders)?.queue;
      if (queue !== undefined && sent !== undefined) {
        const isSingle = !matched.has(queue.id) || matched.get(queue.id)?.id === sent.id;
        matched.set(queue.id, isSingle ? sent : undefined);
      }
      if (turn.isOver()) yield* turn.pass();
    }
    return new Map([...matched].filter((pair): pair is [string, MapNodeAnswer] => pair[1] !== undefined));
  }

  /** The answer about all traces that were added. @param covered which these were */
  *answer(
    { to, service, limit = 300 }: ServiceMapFilter,
    covered: Pick<ServiceMapAnswer, 'traces' | 'spans' | 'since' | 'complete'>,
    turn: TimeSlice,
  ): Steps<ServiceMapAnswer> {
    yield* this.settle(turn);
    const own = service === undefined ? undefined : serviceNode(service).id;
    const matching = [...this.edges.values()].filter(
      (edge) => own === undefined || edge.from?.id === own || edge.to.id === own,
    );
    const sorted = matching.sort(
      (a, b) => b.durations.count - a.durations.count || compareTexts(orderOf(a), orderOf(b)),
    );
    const seconds = Math.max(1, (to - covered.since) / 1_000);
    const shown = sorted.slice(0, limit);
    const nodes = new Map<string, MapNodeAnswer>();
    for (const { from, to: called } of shown)
      for (const node of [from, called]) if (node !== undefined) nodes.set(node.id, node);
    for (const name of [...this.services].sort(compareTexts)) {
      if (nodes.size >= MAX_NODES) break;
      const node = serviceNode(name);
      if (own === undefined || node.id === own) nodes.set(node.id, node);
    }
    return {
      nodes: [...nodes.values()],
      edges: shown.map((edge) => toEdge(edge, seconds)),
      total: sorted.length,
      ...covered,
    };
  }
}

const keyOf = (traceId: string, spanId: string): string => `${traceId} ${spanId}`;

/** Whether a call reached a service by this child, itself included. @param byQueue its messages are followed through a queue */
function isEntered(call: MappedSpan, child: MappedSpan, byQueue: boolean): boolean {
  if (child.kind === 'consumer' && (byQueue || call.kind === 'producer')) return false;
  return child.service !== call.service || (child.kind === 'server' && call.kind === 'client');
}

/**
 * Names what a service calls by a host or database system. Methods are separate: behind one broker are many services. So are not the
 * databases of a system: failed connections have no more than that.
 */
const aliasOf = ({ service, attributes }: MappedSpan, { kind, id, system }: MapNodeAnswer): string =>
  JSON.stringify(
    kind === 'database'
      ? [service, kind, system]
      : [service, id, conditionOf(attributes, [ATTR_RPC_METHOD, 'rpc.service'])?.value],
  );

/** The first conditions that are the same in both. */
function commonOf(one: readonly FieldFilter[], other: readonly FieldFilter[]): readonly FieldFilter[] {
  const different = one.findIndex(
    ({ key, value }, index) => other[index]?.key !== key || other[index].value !== value,
  );
  return different < 0 ? one : one.slice(0, different);
}

const compareTexts = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const orderOf = ({ from, to, kind }: EdgeSum): string => `${from?.id ?? ''} ${to.id} ${kind}`;

function toEdge(
  { from, to, kind, durations, errors, slowest, conditions }: EdgeSum,
  seconds: number,
): MapEdgeAnswer {
  return {
    from: from?.id,
    to: to.id,
    kind,
    count: Math.round(durations.count),
    perSecond: durations.count / seconds,
    errors: Math.round(errors),
    p95: durations.quantile(0.95),
    conditions,
    slowest,
  };
}
