/** A span as the sample system's debug endpoint answers it. */
export interface CollectedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly service: string;
  readonly name: string;
  readonly kind: string;
  readonly startMs: number;
  readonly durationMs: number;
  readonly error?: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly events: readonly {
    readonly name: string;
    readonly attributes: Readonly<Record<string, unknown>>;
  }[];
}

/** A trace put together from all services, to be asked how its spans hang together. */
export class CollectedTrace {
  /** As service/name. */
  readonly names: ReadonlySet<string>;

  constructor(readonly spans: readonly CollectedSpan[]) {
    this.names = new Set(spans.map(({ service, name }) => `${service}/${name}`));
  }

  /** The only span of that name in that service. @throws Error when there is none, or more than one */
  get(service: string, name: string): CollectedSpan {
    const found = this.all(service, name);
    if (found.length !== 1)
      throw new Error(`${found.length} spans ${service}/${name} in:\n${this.describe()}`);
    return found[0]!;
  }

  all(service: string, name: string): CollectedSpan[] {
    return this.spans.filter((span) => span.service === service && span.name === name);
  }

  has(service: string, name: string): boolean {
    return this.names.has(`${service}/${name}`);
  }

  parentOf(span: CollectedSpan): CollectedSpan | undefined {
    return this.spans.find(({ spanId }) => spanId === span.parentSpanId);
  }

  childrenOf(span: CollectedSpan): CollectedSpan[] {
    return this.spans.filter(({ parentSpanId }) => parentSpanId === span.spanId);
  }

  /** `service/name` of the span and of everything above it, the root first. */
  pathOf(span: CollectedSpan): string[] {
    const parent = this.parentOf(span);
    return [...(parent === undefined ? [] : this.pathOf(parent)), `${span.service}/${span.name}`];
  }

  /** The messages logged in the span, in order. */
  logsOf(span: CollectedSpan): unknown[] {
    return span.events
      .filter(({ name }) => name === 'log')
      .map(({ attributes }) => attributes['log.message']);
  }

  describe(): string {
    return this.spans.map((span) => this.pathOf(span).join(' > ')).join('\n');
  }
}
