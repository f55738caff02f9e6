/** A real Chromium, and the page in it. */
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';

import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

import { findInstalledChromium, HOW_TO_GET_CHROMIUM } from '../../browser/find-chromium.mjs';
import { type FixtureOptions, type FixtureServer, startFixtureServer } from './fixture/fixture-server.js';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
};

/** `describe`, or, where there is no Chromium, a skipped one whose title says how to get one. */
export function describeInChromium(title: string, body: () => void): void {
  if (findInstalledChromium() === undefined) {
    describe.skip(`${title} (skipped, there is no browser: ${HOW_TO_GET_CHROMIUM})`, body);
  } else describe(title, body);
}

/** Starts the browser without what it would fetch or show by itself. */
export const launchChromium = (): Promise<Browser> =>
  chromium.launch({ executablePath: findInstalledChromium()!, args: FLAGS });

/** The files of the page, which scripts/browser.mjs builds once for all specs. */
function readPage(): FixtureOptions['files'] {
  const folder = process.env.BUILT_PAGE;
  if (folder === undefined)
    throw new Error('There is no page yet: run `npm run test:browser`, which builds it.');
  const files = readdirSync(folder).map((name) => ({
    name,
    contentType: CONTENT_TYPES[extname(name)] ?? 'text/plain',
    content: readFileSync(join(folder, name)),
  }));
  return async () => files;
}

export interface Stage {
  readonly server: FixtureServer;
  /** What pages complained about: errors, and what the content security policy stopped. */
  readonly complaints: string[];
  open(hash: string, options?: BrowserContextOptions): Promise<Page>;
  /** Closes what was opened. */
  leave(): Promise<void>;
  close(): Promise<void>;
}

/** Starts the fixture server and a browser; every page is a fresh one, without storage. */
export async function startStage(options: Partial<FixtureOptions> = {}): Promise<Stage> {
  const server = await startFixtureServer({ files: readPage(), ...options });
  const browser = await launchChromium();
  const complaints: string[] = [];
  return {
    server,
    complaints,
    async open(hash, contextOptions = {}) {
      const context = await browser.newContext({
        viewport: { width: 1_400, height: 900 },
        ...contextOptions,
      });
      const page = await context.newPage();
      page.setDefaultTimeout(10_000);
      page.on('pageerror', (error) => complaints.push(error.message));
      page.on('console', (message) => {
        if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
      });
      page.on('response', (response) => {
        if (response.status() < 500) return;
        void response.text().then((text) => complaints.push(`${response.url()}: ${text}`));
      });
      page.on('dialog', (dialog) => {
        complaints.push(`dialog: ${dialog.message()}`);
        void dialog.dismiss();
      });
      await page.addInitScript(
        "addEventListener('securitypolicyviolation', (event) => console.error('CSP ' + event.violatedDirective))",
      );
      await page.goto(`${server.url}/${hash}`);
      return page;
    },
    async leave() {
      await Promise.all(browser.contexts().map((context) => context.close()));
    },
    async close() {
      await browser.close();
      await server.close();
    },
  };
}

/** What a test does with the stage of its `describe`. */
export type StageInUse = Pick<Stage, 'server' | 'open'>;

/** One stage for all tests of a `describe`, each of which must leave nothing that a page complained about. */
export function useStage(options: Partial<FixtureOptions> = {}): StageInUse {
  let stage: Stage | undefined;
  const started = (): Stage => {
    if (stage === undefined) throw new Error('The stage is there within tests only');
    return stage;
  };
  beforeAll(async () => {
    stage = await startStage(options);
  });
  afterAll(() => started().close());
  afterEach(async () => {
    await started().leave();
    expect(started().complaints.splice(0)).toEqual([]);
  });
  return {
    get server() {
      return started().server;
    },
    open: (hash, contextOptions) => started().open(hash, contextOptions),
  };
}

/** Waits until an expression of the page is true; the page's policy allows no `waitForFunction` of a text. */
export async function becomesTrue(page: Page, expression: string, timeoutMs = 10_000): Promise<void> {
  const until = performance.now() + timeoutMs;
  while (!(await page.evaluate<boolean>(`Boolean(${expression})`))) {
    if (performance.now() > until) throw new Error(`never true: ${expression}`);
    await page.waitForTimeout(30);
  }
}

interface TraceEvent {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  /** Time that the thread ran, in microseconds: other processes of a busy machine do not count. */
  readonly tdur?: number;
  readonly args: { readonly name?: string };
}

/** The tasks of the page's main thread while `work` runs, in milliseconds of CPU, the longest first. */
export async function tasksOf(page: Page, work: () => Promise<unknown>): Promise<readonly number[]> {
  const browser = page.context().browser()!;
  await browser.startTracing(page, {
    categories: ['toplevel', 'devtools.timeline', 'disabled-by-default-devtools.timeline'],
  });
  await work();
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString()) as {
    traceEvents: readonly TraceEvent[];
  };
  const mains = new Set(
    traceEvents
      .filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain')
      .map(({ pid, tid }) => `${pid} ${tid}`),
  );
  return traceEvents
    .filter(({ name, pid, tid }) => name === 'RunTask' && mains.has(`${pid} ${tid}`))
    .map(({ tdur = 0 }) => tdur / 1_000)
    .sort((a, b) => b - a);
}

/** What `referenceTask` takes on the machine for which the limits were written, in milliseconds of CPU. */
const REFERENCE_MS = 5;

/** How many times slower than that machine this one is at the moment; 1 where it is faster. */
export async function slowness(page: Page): Promise<number> {
  const tasks = await tasksOf(page, () =>
    page.evaluate(`(async () => {
      for (let run = 0; run < 21; run += 1) {
        const rows = [];
        for (let at = 0; at < 20000; at += 1) rows.push({ key: 'row ' + ((at * 7919) % 20011) });
        rows.sort((a, b) => (a.key < b.key ? -1 : 1));
        await new Promise((resolve) => setTimeout(resolve));
      }
    })()`),
  );
  return Math.max(1, tasks[10]! / REFERENCE_MS);
}
