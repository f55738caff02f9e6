import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';

import { eventually } from '../support/eventually.js';
import { Collector } from './collector.js';

const FLUSH_MS = 400;
/** What a busy machine may add to a deadline. */
const SLACK_MS = 5_000;

const programs = join(__dirname, 'programs');

/** A collector that takes a connection and never answers. */
class SilentCollector {
  private readonly sockets = new Set<Socket>();
  private readonly server: Server = createServer((socket) => {
    this.sockets.add(socket.resume());
  });

  async listen(): Promise<string> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
    await once(this.server, 'close');
  }
}

const COLLECTORS = { living: () => new Collector(), silent: () => new SilentCollector() };

describe('a process that lives for a short time', () => {
  const children: ChildProcess[] = [];
  const opened: { close: () => Promise<void> }[] = [];
  afterEach(async () => {
    for (const child of children.splice(0)) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    for (const collector of opened.splice(0)) await collector.close();
  });

  const start = (program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess => {
    const child = spawn(process.execPath, [join(programs, program), ...args], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...process.env, NODE_OPTIONS: '', TELEMETRY_SPOOL: 'false', ...env },
    });
    children.push(child);
    return child;
  };
  const open = <Kind extends keyof typeof COLLECTORS>(kind: Kind): ReturnType<(typeof COLLECTORS)[Kind]> => {
    const collector = COLLECTORS[kind]();
    opened.push(collector);
    return collector as ReturnType<(typeof COLLECTORS)[Kind]>;
  };

  interface Flushed {
    readonly complete: boolean;
    readonly ms: number;
  }

  describe('as a function that is frozen between two calls', () => {
    const startFunction = async (
      endpoint: string,
      flushMs = FLUSH_MS,
    ): Promise<(event: object) => Promise<Call>> => {
      const child = start('function-handler.mjs', [endpoint, String(flushMs)]);
      await once(child, 'message');
      return async (event) => {
        const messages: { readonly flushed?: Flushed; readonly answer?: string }[] = [];
        const keep = (message: object): void => void messages.push(message);
        child.on('message', keep);
        child.send(event);
        await eventually('an answer', () => messages.length === 2);
        child.off('message', keep);
        return { flushed: messages[0]!.flushed!, answer: messages[1]!.answer! };
      };
    };
    interface Call {
      readonly flushed: Flushed;
      readonly answer: string;
    }

    it('has sent spans, log records and metrics of each call before the call is answered', async () => {
      const collector = open('living');
      // A busy machine may need more than the time that is enough to show a limit.
      const call = await startFunction(await collector.listen(), 20_000);
      for (const key of ['a', 'b']) {
        expect(await call({ key })).toEqual({
          flushed: { complete: true, ms: expect.any(Number) as number },
          answer: `${key}.small`,
        });
        // No polling: the process may stand still from here on.
        expect(collector.spans.filter(({ name }) => name === 'resize')).toHaveLength(key === 'a' ? 1 : 2);
        expect(collector.logs.filter(({ body }) => body.stringValue === 'resized')).toHaveLength(
          key === 'a' ? 1 : 2,
        );
        expect(collector.metrics).toContain('images_total');
      }
    });

    it('has sent the error of a call that fails', async () => {
      const collector = open('living');
      const call = await startFunction(await collector.listen());
      expect(await call({ key: 'a', fails: true })).toMatchObject({ answer: 'failed: no image' });
      expect(collector.spans).toMatchObject([{ name: 'resize', status: { message: 'no image' } }]);
    });

    it('sends with a later call what the collector had refused', async () => {
      const collector = open('living');
      const call = await startFunction(await collector.listen());
      collector.refuses = true;
      expect(await call({ key: 'a' })).toMatchObject({ answer: 'a.small', flushed: { complete: false } });
      collector.refuses = false;
      await eventually('the span of the first call', async () => {
        await call({ key: 'b' });
        return JSON.stringify(collector.spans).includes('"a"');
      });
    });

    it('waits for a silent collector no longer than it was asked to, in each call', async () => {
      const call = await startFunction(await open('silent').listen());
      for (const key of ['a', 'b']) {
        const { flushed, answer } = await call({ key });
        expect(answer).toBe(`${key}.small`);
        expect(flushed.complete).toBe(false);
        expect(flushed.ms).toBeLessThan(FLUSH_MS + SLACK_MS);
      }
    });
  });

  describe('as a command of nest-commander', () => {
    const run = async (file: string, endpoint: string) => {
      const child = start('command.mjs', ['import', file], { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint });
      let output = '';
      for (const stream of [child.stdout, child.stderr])
        stream!.on('data', (chunk: Buffer) => (output += chunk.toString()));
      const [code] = (await once(child, 'close')) as [number | null];
      return { code, output };
    };

    it('has sent everything when the process has ended by itself', async () => {
      const collector = open('living');
      expect(await run('rows.csv', await collector.listen())).toEqual({
        code: 0,
        output: 'imported rows.csv\n',
      });
      expect(collector.spans).toMatchObject([{ name: 'import_file' }]);
      expect(collector.metrics).toContain('rows_total');
    });

    it('has sent the error of a command that fails, and keeps its exit code', async () => {
      const collector = open('living');
      expect(await run('broken.csv', await collector.listen())).toMatchObject({ code: 4 });
      expect(collector.spans).toMatchObject([{ name: 'import_file', status: { message: 'no rows' } }]);
    });

    it('ends although the collector is silent', async () => {
      const began = performance.now();
      const { code, output } = await run('rows.csv', await open('silent').listen());
      expect({ code, output: output.split('\n')[0] }).toEqual({ code: 0, output: 'imported rows.csv' });
      // 5 s is the default of shutdownTimeoutMs.
      expect(performance.now() - began).toBeLessThan(5_000 + 4 * SLACK_MS);
    });
  });
});
