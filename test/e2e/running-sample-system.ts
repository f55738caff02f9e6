import { type ChildProcess, fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const root = join(__dirname, '../..');

export interface SampleSystemUrls {
  readonly gateway: string;
  readonly orchestrator: string;
  readonly worker: string;
}

/** The sample system as `npm start` runs it, on free ports, without traffic of its own and with a model that behaves. */
export class RunningSampleSystem {
  private constructor(
    private readonly child: ChildProcess,
    readonly urls: SampleSystemUrls,
    private readonly printed: string[],
  ) {}

  /** Builds what is stale, starts every process, and resolves when all of them answer. */
  static async start(): Promise<RunningSampleSystem> {
    const build = spawnSync(process.execPath, [join(root, 'scripts/build.mjs'), '--all'], {
      encoding: 'utf8',
    });
    if (build.status !== 0) throw new Error(`the build failed:\n${build.stdout}${build.stderr}`);
    const child = fork(join(root, 'scripts/sample/start.mjs'), ['--no-traffic'], {
      execArgv: [],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...withoutSettings(process.env), ...SETTINGS },
    });
    const printed: string[] = [];
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => printed.push(chunk.toString()));
    }
    const urls = await new Promise<SampleSystemUrls>((resolve, reject) => {
      child.once('message', (message: { urls: SampleSystemUrls }) => {
        resolve(message.urls);
      });
      child.once('exit', (code) => {
        reject(new Error(`the system ended with ${String(code)} before it was ready:\n${printed.join('')}`));
      });
    });
    return new RunningSampleSystem(child, urls, printed);
  }

  /** Everything the processes printed so far. */
  get output(): string {
    return this.printed.join('');
  }

  /** Ends it as a terminal or a service manager would; resolves to the exit code. */
  async stop(): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const ended = once(this.child, 'exit');
      this.child.kill('SIGTERM');
      await ended;
    }
    return this.child.exitCode;
  }
}

const SETTINGS = {
  GATEWAY_PORT: '0',
  ORCHESTRATOR_PORT: '0',
  WORKER_PORT: '0',
  LLM_PORT: '0',
  REDIS_PORT: '0',
  POSTGRES_PORT: '0',
  SLOW_SHARE: '0',
  FAIL_SHARE: '0',
  OTEL_ENVIRONMENT: 'test',
};

/** What is set around the tests must not decide where the system sends or which servers it uses. */
function withoutSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const setting = /^OTEL_|^JAEGER_ENDPOINT$|_URL$|_PORT$|^HOST$|^EMBEDDED_HOST$|^NODE_|^JEST_|^TRAFFIC$/;
  return Object.fromEntries(Object.entries(env).filter(([name]) => !setting.test(name)));
}
