import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import ts from 'typescript';

import { eventually } from '../support/eventually.js';

const PROGRAM = join(__dirname, 'programs/located');
const DIST = join(__dirname, '../../dist');

interface Span {
  readonly name: string;
  readonly service: string;
  readonly source?: { readonly file: string; readonly line: number };
}

interface Route {
  readonly method: string;
  readonly handler?: string;
  readonly source?: { readonly file: string; readonly line: number };
}

interface Compilation {
  readonly module: 'commonjs' | 'esm';
  readonly maps: 'beside' | 'inline' | 'none';
}

const folders: string[] = [];
const children: ChildProcess[] = [];

/** Compiles the program as applications are: class by class into a folder below, where the packages are found. */
function compile({ module, maps }: Compilation): string {
  mkdirSync(DIST, { recursive: true });
  const folder = mkdtempSync(join(DIST, 'located-'));
  folders.push(folder);
  if (module === 'commonjs') asCommonJs(folder);
  for (const name of readdirSync(PROGRAM)) {
    const { outputText, sourceMapText } = ts.transpileModule(readFileSync(join(PROGRAM, name), 'utf8'), {
      fileName: join(PROGRAM, name),
      compilerOptions: {
        module: module === 'esm' ? ts.ModuleKind.ESNext : ts.ModuleKind.CommonJS,
        target: ts.ScriptTarget.ES2023,
        experimentalDecorators: true,
        emitDecoratorMetadata: true,
        sourceMap: maps === 'beside',
        inlineSourceMap: maps === 'inline',
        sourceRoot: '../../test/e2e/programs/located',
        removeComments: true,
      },
    });
    const compiled = name.replace(/\.ts$/, '.js');
    writeFileSync(join(folder, compiled), outputText);
    if (sourceMapText !== undefined) writeFileSync(join(folder, `${compiled}.map`), sourceMapText);
  }
  return folder;
}

/** The folder is then no part of this package, which is found from within by its name. */
function asCommonJs(folder: string): void {
  writeFileSync(join(folder, 'package.json'), '{ "type": "commonjs" }');
  const installed = join(folder, 'node_modules/nestjs-telemetry');
  mkdirSync(installed, { recursive: true });
  writeFileSync(join(installed, 'index.js'), "module.exports = require('../../../cjs/index.js');");
}

class LocatedSystem {
  private constructor(
    private readonly origin: string,
    private readonly folder: string,
  ) {}

  static async start(compilation: Compilation, execArgv: readonly string[] = []): Promise<LocatedSystem> {
    const folder = compile(compilation);
    const start = async (part: string): Promise<number> => {
      const child = fork(join(folder, 'main.js'), {
        env: { ...process.env, NODE_ENV: 'development', PART: part, STORE: join(folder, 'telemetry.db') },
        execArgv: ['--disable-warning=ExperimentalWarning', ...execArgv],
        stdio: ['ignore', 'ignore', execArgv.length > 0 ? 'ignore' : 'inherit', 'ipc'],
      });
      children.push(child);
      const ended = once(child, 'exit').then(() => Promise.reject(new Error(`${part} has ended`)));
      const [port] = (await Promise.race([once(child, 'message'), ended])) as [number];
      return port;
    };
    const [port] = await Promise.all([start('web'), start('worker')]);
    return new LocatedSystem(`http://127.0.0.1:${String(port)}`, folder);
  }

  async ask<Answer>(path: string): Promise<Answer> {
    const token = readFileSync(join(this.folder, 'dashboard-token'), 'utf8').trim();
    const response = await fetch(`${this.origin}/telemetry/api/v1/${path}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    if (!response.ok) throw new Error(`${path} was answered with ${String(response.status)}`);
    return (await response.json()) as Answer;
  }

  async get(path: string): Promise<void> {
    await (await fetch(`${this.origin}${path}`)).text();
  }

  /** Spans of the newest trace of that service by their names. */
  async spansOf(service: string): Promise<Readonly<Record<string, Span>>> {
    const { items } = await this.ask<{ items: { traceId: string }[] }>(`traces?service=${service}&limit=1`);
    if (items[0] === undefined) return {};
    const { spans } = await this.ask<{ spans: Span[] }>(`traces/${items[0].traceId}`);
    return Object.fromEntries(spans.map((span) => [span.name, span]));
  }

  /** Where the text stands in a file of the program as it was compiled. */
  compiled(name: string, text: string): Span['source'] {
    return placeOf(join(this.folder, name), text);
  }
}

function placeOf(file: string, text: string): { readonly file: string; readonly line: number } {
  const line = readFileSync(file, 'utf8')
    .split('\n')
    .findIndex((each) => each.trimStart().startsWith(text));
  if (line === -1) throw new Error(`${file} has no line that begins with ${text}`);
  return { file, line: line + 1 };
}

const written = (name: string, text: string) => placeOf(join(PROGRAM, name), text);

describe('the source of a span', () => {
  afterEach(async () => {
    for (const child of children.splice(0)) {
      if (child.exitCode !== null) continue;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    }
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  });

  it.each<Compilation>([
    { module: 'esm', maps: 'beside' },
    { module: 'commonjs', maps: 'inline' },
  ])(
    'is the line that was written, where $module has maps ($maps), in every process',
    async (compilation) => {
      const system = await LocatedSystem.start(compilation);
      await system.get('/orders/7');
      let web: Readonly<Record<string, Span>> = {};
      let worker: Readonly<Record<string, Span>> = {};
      await eventually(async () => {
        [web, worker] = [await system.spansOf('located-web'), await system.spansOf('located-worker')];
        return web['OrderController.find']?.source !== undefined && worker['Price.add']?.source !== undefined;
      });
      const sources = Object.fromEntries(Object.entries(web).map(([name, { source }]) => [name, source]));
      expect(sources).toEqual({
        'GET /orders/:id': undefined,
        'OpenGuard.canActivate': written('orders.controller.ts', 'canActivate('),
        'OrderController.find': written('orders.controller.ts', 'find('),
        'look for an order': written('orders.service.ts', 'find('),
        'OrderService.load': written('orders.service.ts', 'load('),
        'OrderService.recorded': written('orders.service.ts', 'recorded('),
        'Price.add': written('orders.service.ts', 'add('),
      });
      expect(worker['CleanupService.purge']?.source).toEqual(written('orders.service.ts', 'purge('));
    },
  );

  it('is the line of the compiled file where there are no maps', async () => {
    const system = await LocatedSystem.start({ module: 'esm', maps: 'none' });
    await system.get('/orders/7');
    let source: Span['source'];
    await eventually(async () => {
      source = (await system.spansOf('located-web'))['OrderController.find']?.source;
      return source !== undefined;
    });
    expect(source).toEqual(system.compiled('orders.controller.js', 'find('));
  });

  it('is known of the handlers of routes, of routes without a request and of those for every method', async () => {
    const system = await LocatedSystem.start({ module: 'esm', maps: 'beside' });
    await system.get('/orders/any/way/there/is');
    let routes: readonly Route[] = [];
    const sourceOf = (wanted: string) =>
      routes.find(({ method, handler = '' }) => `${method} ${handler}` === wanted)?.source;
    await eventually(async () => {
      routes = await system.ask<Route[]>('routes');
      return ['never', 'any', 'audited'].every(
        (method) => sourceOf(`GET OrderController.${method}`) !== undefined,
      );
    });
    expect(sourceOf('GET OrderController.never')).toEqual(written('orders.controller.ts', 'never('));
    expect(sourceOf('GET OrderController.any')).toEqual(written('orders.controller.ts', 'any('));
    // What stands in its place is not what one wants to see: the class is the nearest that is known.
    expect(sourceOf('GET OrderController.audited')).toEqual(written('orders.controller.ts', 'constructor('));
  });

  it('is not asked for while a debugger is attached to the process', async () => {
    const system = await LocatedSystem.start({ module: 'esm', maps: 'beside' }, ['--inspect=127.0.0.1:0']);
    await system.get('/orders/7');
    // Twice as long as it takes otherwise.
    const until = Date.now() + 3_000;
    await eventually(async () => {
      const spans = await system.spansOf('located-web');
      expect(spans['OrderController.find']?.source).toBeUndefined();
      return Date.now() > until;
    });
  });
});
