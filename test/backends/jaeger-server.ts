import { randomInt } from 'node:crypto';
import { platform } from 'node:os';
import { join } from 'node:path';

import { BackendProcess, poll } from './backend-processes.js';

export interface JaegerSpan {
  readonly spanID: string;
  readonly operationName: string;
  readonly references: readonly {
    readonly refType: string;
    readonly traceID: string;
    readonly spanID: string;
  }[];
  readonly tags: readonly JaegerTag[];
  readonly logs: readonly { readonly timestamp: number; readonly fields: readonly JaegerTag[] }[];
  readonly processID: string;
}

interface JaegerTag {
  readonly key: string;
  readonly type: string;
  readonly value: unknown;
}

interface JaegerTraceJson {
  readonly spans: readonly JaegerSpan[];
  readonly processes: Readonly<
    Record<string, { readonly serviceName: string; readonly tags: readonly JaegerTag[] }>
  >;
}

/** A trace as Jaeger's own API tells it. */
export class JaegerTrace {
  constructor(private readonly json: JaegerTraceJson) {}

  get spans(): readonly JaegerSpan[] {
    return this.json.spans;
  }

  /** `service/operation` of each span. */
  get names(): string[] {
    return this.spans.map((span) => `${this.serviceOf(span)}/${span.operationName}`);
  }

  serviceOf({ processID }: JaegerSpan): string | undefined {
    return this.json.processes[processID]?.serviceName;
  }

  /** The resource attributes that came with a span. */
  processTags({ processID }: JaegerSpan): Record<string, unknown> {
    return toRecord(this.json.processes[processID]?.tags ?? []);
  }

  /** The span called `service/operation`. @throws Error when there is none */
  find(name: string): JaegerSpan {
    const found = this.spans.find((span) => `${this.serviceOf(span)}/${span.operationName}` === name);
    if (found === undefined) throw new Error(`no span ${name} among ${this.names.join(', ')}`);
    return found;
  }

  parentOf(span: JaegerSpan): JaegerSpan | undefined {
    const parent = span.references.find(({ refType }) => refType === 'CHILD_OF');
    return this.spans.find(({ spanID }) => spanID === parent?.spanID);
  }

  /** Names from the span up to the root. */
  pathOf(span: JaegerSpan): string[] {
    const path: string[] = [];
    for (let at: JaegerSpan | undefined = span; at !== undefined; at = this.parentOf(at)) {
      path.push(`${this.serviceOf(at)}/${at.operationName}`);
    }
    return path;
  }
}

/** Key and value of tags or of the fields of a log. */
export function toRecord(tags: readonly JaegerTag[]): Record<string, unknown> {
  return Object.fromEntries(tags.map(({ key, value }) => [key, value]));
}

/** A real Jaeger, with its standard ports on a loopback address of its own where the system has more than one. */
export class JaegerServer {
  private constructor(
    readonly host: string,
    private readonly process: BackendProcess,
  ) {}

  static async start(binary: string): Promise<JaegerServer> {
    const host =
      platform() === 'linux'
        ? `127.${randomInt(1, 255)}.${randomInt(255)}.${randomInt(1, 255)}`
        : '127.0.0.1';
    const config = join(__dirname, 'jaeger/config.yaml');
    const server = await BackendProcess.start(
      [binary, `--config=file:${config}`],
      async () => (await fetch(`http://${host}:16686/api/services`)).ok,
      // Jaeger traces itself, to a collector that is not there.
      { env: { JAEGER_HOST: host, OTEL_TRACES_SAMPLER: 'always_off' } },
    );
    return new JaegerServer(host, server);
  }

  async services(): Promise<string[]> {
    const { data } = (await (await fetch(`http://${this.host}:16686/api/services`)).json()) as {
      data: string[] | null;
    };
    return data ?? [];
  }

  /** The trace, once Jaeger has all spans of these names (`service/operation`). */
  async trace(traceId: string, names: readonly string[]): Promise<JaegerTrace> {
    let seen: string[] = [];
    return poll(`a trace ${traceId} with ${names.join(', ')}`, async () => {
      const response = await fetch(`http://${this.host}:16686/api/traces/${traceId}`);
      if (!response.ok) return undefined;
      const { data } = (await response.json()) as { data: JaegerTraceJson[] };
      const trace = data[0] && new JaegerTrace(data[0]);
      seen = trace?.names ?? [];
      return names.every((name) => seen.includes(name)) ? trace : undefined;
    }).catch((error: unknown) => {
      throw new Error(`${String(error)}; there are: ${seen.join(', ')}`, { cause: error });
    });
  }

  /** Whether there is anything of a trace now. */
  async has(traceId: string): Promise<boolean> {
    return (await fetch(`http://${this.host}:16686/api/traces/${traceId}`)).ok;
  }

  async stop(): Promise<void> {
    await this.process.stop();
  }
}
