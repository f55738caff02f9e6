import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { type Browser, type Locator, type Page } from 'playwright-core';

import { describeInChromium, launchChromium } from '../dashboard/ui/chromium.js';
import { type RunningSampleSystem, startSampleSystem } from '../running-sample-system.mjs';
import { eventually } from '../support/eventually.js';

const root = join(__dirname, '../..');
/** On a machine that does other things too, the requests of a fault and the page share two processors. */
const WITHIN_MS = 60_000;
const MAX_CLICKS = 3;
/** Begin a sentence, and are no text of the page. */
const LEADS = ['What you see.', 'The cause'];

/** What the section of a fault in docs/stories.md says. */
interface Story {
  readonly fault: string;
  /** In bold: texts of the page. */
  readonly bold: readonly string[];
  /** Names of services, spans, routes and errors. */
  readonly code: readonly string[];
  readonly steps: number;
}

function readStories(): readonly Story[] {
  const [, ...sections] = readFileSync(join(root, 'docs/stories.md'), 'utf8').split(/^## /m);
  return sections.map((text) => {
    const walk = text.slice(text.indexOf('**What you see.**')).replaceAll(/\s+/g, ' ');
    const [before = ''] = walk.split('**The cause**');
    const all = (pattern: RegExp, of: string): string[] =>
      [...of.matchAll(pattern)].map(([, found = '']) => found);
    return {
      fault: /--fault (\S+)/.exec(text)?.[1] ?? '',
      bold: all(/\*\*([^*]+)\*\*/g, walk).filter((found) => !LEADS.includes(found)),
      code: all(/`([^`]+)`/g, before),
      steps: [...text.matchAll(/^\d\. /gm)].length,
    };
  });
}

const stories = readStories();

describeInChromium('the stories of docs/stories.md, clicked', () => {
  let system: RunningSampleSystem | undefined;
  let browser: Browser | undefined;
  let page: Page;
  let isOpen = false;
  let clicks = 0;
  let story: Story;
  /** Of the story: names of the page that a step has used. */
  const seen = new Set<string>();
  const complaints: string[] = [];

  beforeAll(async () => {
    system = await startSampleSystem({ root });
    browser = await launchChromium();
  }, 240_000);
  afterAll(async () => {
    await browser?.close();
    await system?.stop();
  });
  afterEach(async () => {
    await system?.setFault(undefined);
    if (isOpen) await page.close();
    isOpen = false;
    expect(complaints.splice(0)).toEqual([]);
  });

  /** The page after the fault has begun, with nothing of the faults before. */
  const begin = async (fault: string): Promise<void> => {
    story = stories.find((each) => each.fault === fault)!;
    clicks = 0;
    seen.clear();
    const { dashboard, gateway } = system!.urls;
    const token = dashboard.split('#token=')[1] ?? '';
    const cleared = await fetch(`${gateway}/telemetry/api/v1/store/clear`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: '{"all":true}',
    });
    expect(cleared.status).toBe(200);
    // A list has rows, and a queue has had jobs, before the fault.
    await Promise.all(
      Array.from({ length: 8 }, () =>
        fetch(`${gateway}/process`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: '{"text":"hello"}',
        }).then((response) => response.arrayBuffer()),
      ),
    );
    await system!.setFault(fault);
    page = await browser!.newPage({ viewport: { width: 1_400, height: 900 } });
    isOpen = true;
    page.setDefaultTimeout(WITHIN_MS);
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(dashboard);
    await page.locator('.routes').waitFor();
  };
  /** A text of the page that the story has: it must not be changed in one place only. */
  const say = (text: string): string => {
    if (![...story.bold, ...story.code].includes(text))
      throw new Error(`docs/stories.md does not have "${text}" for ${story.fault}`);
    seen.add(text);
    return text;
  };
  const shows = async (text: string, within: Locator = page.locator('body')): Promise<void> => {
    await within.getByText(say(text)).first().waitFor();
  };
  const click = async (target: Locator): Promise<void> => {
    await target.click();
    clicks += 1;
  };
  const goTo = (title: string): Locator => page.getByRole('link', { name: say(title), exact: true });
  const openService = (name: string): Promise<void> => click(page.getByRole('button', { name: say(name) }));
  /** Clicks the highest dot of a service, once requests of it were so slow. A live chart may move while it is aimed at. */
  const clickHighDot = async (service: string): Promise<void> => {
    const dots = page.locator(`section[aria-label="${service}"] .dot`);
    await dots.first().waitFor();
    await eventually(
      'a click on the highest dot',
      async () => {
        const heights = await dots.evaluateAll((found) => found.map((dot) => dot.getBoundingClientRect().y));
        const highest = dots.nth(heights.indexOf(Math.min(...heights)));
        return highest.click({ timeout: 3_000 }).then(
          () => true,
          () => false,
        );
      },
      WITHIN_MS,
    );
    clicks += 1;
    await page.locator('.waterfall-row').first().waitFor();
  };
  const waterfall = (): Locator => page.locator('#waterfall');
  /** Nothing of the story was left out, and it is as short as it says. */
  const endWithin = (most: number): void => {
    expect([...story.bold, ...story.code].filter((text) => !seen.has(text))).toEqual([]);
    expect(clicks).toBeLessThanOrEqual(most);
  };

  it('are one for each fault of npm start, of at most three steps', () => {
    expect(stories.map(({ fault }) => fault)).toEqual([
      'slow-llm',
      'db-pool',
      'n-plus-one',
      'memory',
      'deploy',
    ]);
    for (const { fault, steps } of stories)
      expect([fault, steps > 0 && steps <= MAX_CLICKS]).toEqual([fault, true]);
  });

  it('lead from slow requests to the language model', async () => {
    await begin('slow-llm');
    await goTo('Overview').waitFor();
    await shows('orchestrator');
    await openService('api_gateway');
    await clickHighDot('api_gateway');
    await click(page.getByText(say('Why slow'), { exact: true }));
    await shows('HTTP out');
    const { port } = new URL(system!.urls.llm);
    await page
      .getByText(new RegExp(`${say('POST')} · \\S+:${port} · `))
      .first()
      .waitFor();
    await shows('chat stand-in', waterfall());
    // The last sentence of the story.
    await goTo('Operations').waitFor();
    endWithin(MAX_CLICKS);
  }, 180_000);

  it('lead from a list that takes longer and longer to the query for each row', async () => {
    await begin('n-plus-one');
    await goTo('Overview').waitFor();
    const row = page.locator('.routes tr', { hasText: say('background_worker') }).filter({
      hasText: say('GET'),
      has: page.getByRole('link', { name: say('/jobs'), exact: true }),
    });
    say('GET /jobs');
    await click(row.getByRole('link', { name: '/jobs', exact: true }));
    await shows('Requests to look at');
    await click(page.locator('main a[href*="#/trace/"]').filter({ hasText: / at / }).first());
    await page.locator('.mark-repeated').first().waitFor();
    // The list has as many rows as there are results by now.
    const label = say(story.bold.find((text) => text.startsWith('Why slow'))!);
    await click(page.getByText(new RegExp(`^${label.replace(/\d+/, '\\d+')}$`)));
    await shows('JobRepository.findResult');
    await goTo('Operations').waitFor();
    endWithin(MAX_CLICKS);
  }, 180_000);

  it('lead from a pool to the code that keeps its connections', async () => {
    await begin('db-pool');
    await openService('orchestrator');
    await clickHighDot('orchestrator');
    await shows('orchestrator.process', waterfall());
    await click(page.getByText(say('Why slow'), { exact: true }));
    await shows('Waiting (connections, network)');
    await page
      .getByText(new RegExp(`most in ${say('pg.pool.connect')}`))
      .first()
      .waitFor();
    await goTo('Runtime').waitFor();
    endWithin(MAX_CLICKS);
  }, 180_000);

  it('lead to the process whose memory grows', async () => {
    await begin('memory');
    await click(goTo('Runtime'));
    const choice = page.getByLabel(say('Process'), { exact: true });
    await choice.waitFor();
    await eventually(
      'the process in the list',
      async () => (await choice.locator('option', { hasText: say('orchestrator') }).count()) > 0,
      WITHIN_MS,
    );
    const option = choice.locator('option', { hasText: 'orchestrator' }).first();
    await choice.selectOption(await option.getAttribute('value'));
    clicks += 1;
    await page.waitForURL(/service=orchestrator/);
    await shows('Memory');
    await shows('Time in garbage collection');
    await page
      .getByText(new RegExp(`^${say('Heap snapshot')}`))
      .first()
      .waitFor();
    for (const text of ['leaked', 'TtsService']) say(text);
    endWithin(MAX_CLICKS);
  }, 180_000);

  it('lead from a new error to the version that brought it', async () => {
    await begin('deploy');
    await system!.deploy('worker', '0.2.0');
    const finding = page.locator('.findings').getByRole('link', { name: say('UnsupportedTextError') });
    await click(finding.first());
    await shows('0.2.0');
    await shows('JobProcessor.transform');
    await click(page.locator('main a[href*="#/trace/"]').first());
    await page.locator('.waterfall-row.failed').first().waitFor();
    await page.locator('.span-panel .log-line.level-error').first().waitFor();
    // The cause is known. What follows is said below the steps.
    expect(clicks).toBe(story.steps);
    await goTo('Overview').click();
    await page.getByRole('button', { name: say('background_worker') }).click();
    await page.locator('section[aria-label="background_worker"] .start-mark-change').first().waitFor();
    endWithin(MAX_CLICKS);
  }, 240_000);
});
