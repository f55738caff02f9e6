import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';

import { stopChild } from './backend-processes.js';

const built = join(__dirname, '../../dist/sample-app');

/** What the gateway answers to `POST /process`. */
export interface Processed {
  readonly status: number;
  readonly traceId: string;
  readonly body: { readonly jobId?: string; readonly audio?: { readonly cached: boolean } };
}

/** The three services of the sample application and what they lean on, as processes of their own on free ports. */
export class SampleSystem {
  private constructor(
    private readonly children: readonly ChildProcess[],
    readonly gateway: string,
    readonly orchestrator: string,
    readonly worker: string,
  ) {}

  /** Starts everything with `env` in the environment of each process. */
  static async start(env: Readonly<Record<string, string>>): Promise<SampleSystem> {
    const children: ChildProcess[] = [];
    const common = {
      ...withoutTelemetry(process.env),
      HOST: '127.0.0.1',
      NODE_ENV: 'production',
      SLOW_SHARE: '0',
      FAIL_SHARE: '0',
      OTEL_BSP_SCHEDULE_DELAY: '200',
      ...env,
    };
    const begin = async (
      name: string,
      portVariables: readonly string[],
      more: Readonly<Record<string, string>> = {},
    ) => {
      const ports = Object.fromEntries(portVariables.map((variable) => [variable, '0']));
      const child = fork(join(built, name, 'main.js'), {
        env: { ...common, ...ports, ...more },
        execArgv: [],
        stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      });
      children.push(child);
      return readyMessage(name, child);
    };
    try {
      const embedded = await begin('embedded', ['LLM_PORT', 'REDIS_PORT', 'POSTGRES_PORT']);
      const urls = {
        LLM_URL: embedded.llm ?? '',
        REDIS_URL: embedded.redis ?? env.REDIS_URL ?? '',
        DATABASE_URL: embedded.postgres ?? env.DATABASE_URL ?? '',
      };
      const { worker = '' } = await begin('background-worker', ['WORKER_PORT'], urls);
      const { orchestrator = '' } = await begin('orchestrator', ['ORCHESTRATOR_PORT'], {
        ...urls,
        WORKER_URL: worker,
      });
      const { gateway = '' } = await begin('gateway', ['GATEWAY_PORT'], {
        ORCHESTRATOR_URL: orchestrator,
        WORKER_URL: worker,
      });
      return new SampleSystem(children, gateway, orchestrator, worker);
    } catch (error) {
      await Promise.all(children.map((child) => stopChild(child)));
      throw error;
    }
  }

  /** `POST /process` at the gateway. */
  async process(request: unknown): Promise<Processed> {
    const response = await fetch(`${this.gateway}/process`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(request),
    });
    const traceId = response.headers.get('traceparent')?.split('-')[1];
    if (traceId === undefined) throw new Error('the gateway answered without a traceparent');
    return { status: response.status, traceId, body: (await response.json()) as Processed['body'] };
  }

  /** Stops the services before what they lean on. */
  async stop(): Promise<void> {
    const [embedded, ...services] = this.children;
    await Promise.all(services.map((child) => stopChild(child)));
    if (embedded !== undefined) await stopChild(embedded);
  }
}

/** What is set for the tests themselves must not decide where the services send. */
function withoutTelemetry(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !/^OTEL_|^NODE_OPTIONS$|_URL$|_PORT$|^JEST_/.test(name)),
  );
}

/** The addresses that a service of the sample application announces when it is ready. */
function readyMessage(name: string, child: ChildProcess): Promise<Record<string, string | undefined>> {
  return new Promise((resolve, reject) => {
    let complaints = '';
    child.stderr?.on(
      'data',
      (chunk: Buffer) => (complaints = (complaints + chunk.toString()).slice(-10_000)),
    );
    child.once('exit', (code) => {
      reject(new Error(`${name} of the sample application ended with ${String(code)}: ${complaints}`));
    });
    child.on('message', (message) => {
      const { ready } = message as { ready?: Record<string, string> };
      if (ready !== undefined) resolve(ready);
    });
  });
}
