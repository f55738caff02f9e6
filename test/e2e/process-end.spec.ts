import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';

import { findLogs } from '../../lib/dashboard/sqlite/queries/find-logs.js';
import { readTrace } from '../../lib/dashboard/sqlite/queries/read-trace.js';
import { cleanUp, newFolder, openTestStore } from '../dashboard/sqlite/open-test-store.js';
import { eventually } from '../support/eventually.js';
import { Collector } from './collector.js';

const program = join(__dirname, 'programs/ending-service.mjs');

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A process of the program. */
class Service {
  stdout = '';
  stderr = '';
  readonly ended: Promise<Ended>;
  private constructor(readonly child: ChildProcess) {
    child.stdout?.on('data', (chunk: Buffer) => (this.stdout += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
    this.ended = once(child, 'close').then((closed) => {
      const [code, signal] = closed as [number | null, NodeJS.Signals | null];
      const { stdout, stderr } = this;
      return { code, signal, stdout, stderr };
    });
  }

  static start(ending: string, env: NodeJS.ProcessEnv = {}, flags: readonly string[] = []): Service {
    const child = spawn(process.execPath, [...flags, program, ending], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...process.env, NODE_OPTIONS: '', ...env },
    });
    return new Service(child);
  }

  async origin(): Promise<string> {
    const [{ port }] = (await once(this.child, 'message')) as [{ port: number }];
    return `http://127.0.0.1:${port}`;
  }
}

/** What Node prints names the file and the line where an error was thrown, which are the same with telemetry. */
const comparable = ({ code, signal, stderr }: Ended) => ({ code, signal, stderr });

describe('a process that ends without app.close()', () => {
  let collector: Collector;
  let telemetry: NodeJS.ProcessEnv;
  const running: Service[] = [];

  beforeEach(async () => {
    collector = new Collector();
    telemetry = { OTEL_EXPORTER_OTLP_ENDPOINT: await collector.listen(), TELEMETRY_SPOOL: 'false' };
  });
  afterEach(async () => {
    for (const { child, ended } of running.splice(0)) {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await ended;
    }
    await collector.close();
    await cleanUp();
  });

  const start = (
    ending: string,
    env: NodeJS.ProcessEnv = telemetry,
    flags: readonly string[] = [],
  ): Service => {
    const service = Service.start(ending, env, flags);
    running.push(service);
    return service;
  };
  const bare = { TELEMETRY: 'off' };

  describe('by a signal', () => {
    it.each(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR2'] as const)(
      'sends what is buffered before %s ends it, and ends by that signal',
      async (signal) => {
        const service = start('signal');
        await (await fetch(`${await service.origin()}/work`)).text();
        const began = performance.now();
        service.child.kill(signal);
        const ended = await service.ended;
        expect(comparable(ended)).toEqual({ code: null, signal, stderr: '' });
        expect(performance.now() - began).toBeLessThan(10_000);
        expect(collector.spans.map(({ name }) => name)).toEqual(
          expect.arrayContaining(['work', 'GET /work']),
        );
        expect(collector.logs.map(({ body }) => body.stringValue)).toContain('worked');
        expect(collector.metrics).toContain('http.server.request.duration');
        expect(ended.stdout).toContain('"msg":"worked"');
      },
    );

    it('does not wait longer than the time allowed when the collector does not answer', async () => {
      const hole = createServer(() => undefined);
      await new Promise<void>((resolve) => hole.listen(0, '127.0.0.1', resolve));
      const service = start('signal', {
        ...telemetry,
        OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(hole.address() as AddressInfo).port}`,
      });
      await (await fetch(`${await service.origin()}/work`)).text();
      const began = performance.now();
      service.child.kill('SIGTERM');
      expect(comparable(await service.ended)).toEqual({ code: null, signal: 'SIGTERM', stderr: '' });
      expect(performance.now() - began).toBeGreaterThan(900);
      hole.closeAllConnections();
      hole.close();
    });

    it('ends immediately on a second signal', async () => {
      const hole = createServer(() => undefined);
      await new Promise<void>((resolve) => hole.listen(0, '127.0.0.1', resolve));
      const service = start('signal', {
        ...telemetry,
        OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(hole.address() as AddressInfo).port}`,
        SIGNAL_TIMEOUT_MS: '30000',
      });
      await (await fetch(`${await service.origin()}/work`)).text();
      const asked = once(hole, 'request');
      service.child.kill('SIGTERM');
      await asked;
      const began = performance.now();
      service.child.kill('SIGTERM');
      expect((await service.ended).signal).toBe('SIGTERM');
      expect(performance.now() - began).toBeLessThan(20_000);
      hole.closeAllConnections();
      hole.close();
    });

    it.each([
      ['own-listener', { code: 5, signal: null }],
      ['late-listener', { code: 6, signal: null }],
      ['counts-listeners', { code: null, signal: 'SIGTERM' }],
      ['hooks', { code: null, signal: 'SIGTERM' }],
    ])('leaves the signal to a listener of the application (%s)', async (ending, expected) => {
      for (const env of [bare, telemetry]) {
        const service = start(ending, env);
        await (await fetch(`${await service.origin()}/work`)).text();
        service.child.kill('SIGTERM');
        expect(comparable(await service.ended)).toEqual({ ...expected, stderr: '' });
      }
    });

    it('leaves signals alone where the option or the variable turns them off', async () => {
      const service = start('signal', { ...telemetry, TELEMETRY_PROCESS_EVENTS: 'false' });
      await (await fetch(`${await service.origin()}/work`)).text();
      service.child.kill('SIGTERM');
      expect((await service.ended).signal).toBe('SIGTERM');
      expect(collector.spans).toEqual([]);
    });
  });

  describe('by an uncaught error', () => {
    it.each(['timer', 'reject', 'exit-in-handler', 'keep-alive', 'monitor-throws'])(
      'keeps exit status and standard error (%s)',
      async (ending) => {
        const ends = [];
        for (const env of [bare, telemetry]) {
          const service = start(ending, env);
          const origin = await service.origin();
          await fetch(`${origin}/boom`).catch(() => undefined);
          const { stdout, ...ended } = await service.ended;
          // An event with two listeners is emitted in another line of Node's own code.
          const stderr = ended.stderr.replaceAll(/node:events:[\d:]+/g, 'node:events');
          ends.push({ ...ended, stderr, stdout });
        }
        expect(ends[1]).toEqual(ends[0]);
      },
    );

    it.each(['warn', 'strict', 'none', 'throw', 'warn-with-error-code'])(
      'keeps what --unhandled-rejections=%s does',
      async (mode) => {
        const ends = [];
        for (const env of [bare, telemetry]) {
          const service = start('reject', env, [`--unhandled-rejections=${mode}`]);
          const origin = await service.origin();
          const asked = fetch(`${origin}/boom`).catch(() => undefined);
          await Promise.race([
            service.ended,
            eventually(() => service.stderr.includes('card refused')).catch(() => undefined),
            mode === 'none' ? fetch(`${origin}/work`) : new Promise(() => undefined),
          ]);
          if (mode.startsWith('warn') || mode === 'none') service.child.send('exit');
          const { code, signal, stderr } = await service.ended;
          await asked;
          ends.push({ code, signal, stderr: stderr.replaceAll(/\(node:\d+\)/g, '(node)') });
        }
        expect(ends[1]).toEqual(ends[0]);
      },
    );
  });

  it.each([
    ['timer', 'Uncaught exception: card refused'],
    ['reject', 'Unhandled rejection: card refused'],
  ])('records the error with its trace, and ends the spans around it (%s)', async (ending, message) => {
    const file = join(newFolder(), 'telemetry.db');
    const service = start(ending, { ...telemetry, TELEMETRY_STORE_FILE: file });
    await fetch(`${await service.origin()}/boom`).catch(() => undefined);
    expect((await service.ended).code).toBe(1);

    const store = openTestStore({ file });
    const [line] = store.read((database) => findLogs(database, {})).items;
    expect(line).toMatchObject({ level: 'fatal', message, attributes: { 'exception.type': 'Error' } });
    const trace = store.read((database) => readTrace(database, line?.traceId ?? ''));
    const spans = trace?.spans ?? [];
    const handler = spans.find(({ name }) => name === 'FailingController.boom');
    const server = spans.find(({ name }) => name === 'GET /boom');
    expect(line?.spanId).toBe(handler?.spanId);
    expect(handler).toMatchObject({ status: 'error', parentSpanId: server?.spanId });
    expect(handler?.events.map(({ name }) => name)).toEqual(['exception']);
    expect(server).toMatchObject({ status: 'error' });
  });

  describe('leaves what it could not send', () => {
    let folder: string;
    const spooled = () => {
      const own = readdirSync(folder).map((name) => join(folder, name));
      return own.flatMap((name) => readdirSync(name).map((file) => join(name, file)));
    };
    /** Ends by an uncaught error while spans wait to be sent, and gives their names. */
    const fail = async (env: NodeJS.ProcessEnv): Promise<void> => {
      const service = start('timer', env);
      const origin = await service.origin();
      await (await fetch(`${origin}/work`)).text();
      await fetch(`${origin}/boom`).catch(() => undefined);
      expect((await service.ended).code).toBe(1);
    };
    /** Starts and ends services that do nothing but to send what they find, until they have sent it. */
    const recover = async (env: NodeJS.ProcessEnv, services = 1): Promise<void> => {
      const started = Array.from({ length: services }, () => start('signal', env));
      for (const service of started) await service.origin();
      await eventually(() => spooled().length === 0);
      for (const { child, ended } of started) {
        child.kill('SIGTERM');
        await ended;
      }
    };

    beforeEach(() => {
      folder = newFolder();
      telemetry.TELEMETRY_SPOOL = folder;
    });

    it.each([
      ['http/protobuf', 'fast'],
      ['http/json', 'fast'],
      ['http/protobuf', 'sdk'],
      ['grpc', 'fast'],
    ])('to the next start, which sends it and forgets it (%s, engine %s)', async (protocol, ENGINE) => {
      const env: NodeJS.ProcessEnv = { ...telemetry, ENGINE, OTEL_EXPORTER_OTLP_PROTOCOL: protocol };
      if (protocol === 'grpc') env.OTEL_EXPORTER_OTLP_ENDPOINT = await collector.listenForGrpc();
      await fail(env);
      expect(collector.spans).toEqual([]);
      const [file = ''] = spooled();
      expect(statSync(file).mode & 0o777).toBe(0o600);
      expect(statSync(dirname(file)).mode & 0o777).toBe(0o700);

      await recover(env);
      const names = collector.spans.map(({ name }) => name);
      expect(names).toEqual(expect.arrayContaining(['work', 'GET /work', 'FailingController.boom']));
      const handler = collector.spans.find(({ name }) => name === 'FailingController.boom');
      expect(handler?.events?.map(({ name }) => name)).toEqual(['exception']);
      const fatal = collector.logs.filter(({ severityText }) => severityText === 'FATAL');
      expect(fatal.map(({ body, traceId }) => [body.stringValue, traceId])).toEqual([
        ['Uncaught exception: card refused', handler?.traceId],
      ]);
    });

    it('by process.exit(), and to one only of the processes that start together', async () => {
      const service = start('signal', telemetry);
      await (await fetch(`${await service.origin()}/work`)).text();
      service.child.send('exit');
      expect((await service.ended).code).toBe(1);
      expect(spooled()).toHaveLength(1);

      await recover(telemetry, 3);
      expect(collector.spans.filter(({ name }) => name === 'work')).toHaveLength(1);
    });

    it('when the time for a signal is over, and keeps it while the collector is down', async () => {
      const down = { ...telemetry, OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' };
      const service = start('signal', down);
      await (await fetch(`${await service.origin()}/work`)).text();
      service.child.kill('SIGTERM');
      expect((await service.ended).signal).toBe('SIGTERM');
      expect(spooled()).toHaveLength(1);

      const again = start('signal', down);
      await again.origin();
      again.child.kill('SIGTERM');
      await again.ended;
      expect(spooled().every((file) => file.endsWith('.otlp'))).toBe(true);

      await recover(telemetry);
      expect(collector.spans.filter(({ name }) => name === 'work')).toHaveLength(1);
    });

    it('beside damaged and foreign files, which do no harm', async () => {
      await fail(telemetry);
      const [file = ''] = spooled();
      const damaged = file.replace(/-[0-9a-f]{8}\.otlp$/, '-00000000.otlp');
      writeFileSync(damaged, readFileSync(file).subarray(0, 300));
      const foreign = join(dirname(file), 'notes.otlp');
      writeFileSync(foreign, 'not ours');

      const service = start('signal', { ...telemetry, LOGGER: 'on' });
      await service.origin();
      await eventually(() => spooled().length === 1);
      service.child.kill('SIGTERM');
      const { stdout, signal } = await service.ended;
      expect(signal).toBe('SIGTERM');
      expect(spooled()).toEqual([foreign]);
      expect(stdout).toContain('its telemetry is lost');
      expect(collector.spans.filter(({ name }) => name === 'work')).toHaveLength(1);
    });

    it('nowhere where others could have laid the folder', async () => {
      await fail(telemetry);
      const [file = ''] = spooled();
      chmodSync(dirname(file), 0o777);
      const service = start('signal', { ...telemetry, LOGGER: 'on' });
      const origin = await service.origin();
      await (await fetch(`${origin}/work`)).text();
      service.child.send('exit');
      const { stdout } = await service.ended;
      expect(stdout).toContain('not a folder that belongs to this user');
      expect(spooled()).toEqual([file]);
    });
  });

  it('flushes an application context that is never closed when there is nothing left to do', async () => {
    const service = start('context');
    expect(comparable(await service.ended)).toEqual({ code: 0, signal: null, stderr: '' });
    expect(collector.spans.map(({ name }) => name)).toEqual(['work']);
    expect(collector.metrics).toContain('jobs_total');
  });
});
