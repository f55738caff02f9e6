import { type Browser, type Page } from 'playwright-core';

import { FakeClickHouse } from '../dashboard/clickhouse/fake-clickhouse.js';
import { describeInChromium, launchChromium } from '../dashboard/ui/chromium.js';
import { freePort } from '../support/free-port.js';
import { ClickHousePage } from './clickhouse-page.js';

/** One service, as the question for services gets it. */
const SERVICE = '{"name":"orders","version":"1","environment":"test","lastSeen":1}\n';

describeInChromium('the page, when the ClickHouse behind it does not play along', () => {
  let browser: Browser;
  let server: FakeClickHouse | undefined;
  let served: ClickHousePage;
  let page: Page;

  beforeAll(async () => {
    browser = await launchChromium();
  }, 60_000);
  afterAll(() => browser.close());
  afterEach(async () => {
    // The process that serves the page is as it was.
    expect(await served.answers()).toBe(true);
    await page.close();
    await served.stop();
    await server?.stop();
    server = undefined;
  });

  const open = async (clickhouse: string, hash: string): Promise<void> => {
    const config = { username: 'reader', password: 'a-secret-password', database: 'otel' };
    served = await ClickHousePage.start(clickhouse, config);
    page = await browser.newPage();
    page.setDefaultTimeout(30_000);
    await page.goto(`${served.address}/${hash}`);
  };
  const alert = (text: string | RegExp) => page.getByRole('alert').filter({ hasText: text });
  const answerOf = (fake: FakeClickHouse): void => {
    fake.answer = (response, { text }) => response.end(text.includes('lastSeen') ? SERVICE : '');
  };

  it('says once that it cannot be reached and what to check, and goes on when it is there', async () => {
    const port = await freePort();
    await open(`http://127.0.0.1:${port}`, '#/overview');
    await alert('cannot be reached').waitFor();
    expect(await page.getByRole('alert').filter({ hasText: /./ }).count()).toBe(1);
    expect(await alert('cannot be reached').innerText()).toMatch(
      /TELEMETRY_CLICKHOUSE_URL.*The data stays, and the page continues by itself when the database answers/s,
    );
    server = await FakeClickHouse.start(port);
    answerOf(server);
    await page.locator('section[aria-label="orders"]').waitFor();
    await alert('cannot be reached').waitFor({ state: 'detached' });
  });

  it('keeps what it has shown while it is away, and asks again by itself', async () => {
    server = await FakeClickHouse.start();
    const { url } = server;
    answerOf(server);
    await open(url, '#/overview');
    await page.locator('section[aria-label="orders"]').waitFor();
    await server.stop();
    await alert('cannot be reached').waitFor();
    expect(await page.locator('section[aria-label="orders"]').count()).toBe(1);
    server = await FakeClickHouse.start(Number(new URL(url).port));
    answerOf(server);
    await alert('cannot be reached').waitFor({ state: 'detached' });
    expect(await page.locator('section[aria-label="orders"]').count()).toBe(1);
  });

  it.each([
    [
      'a wrong password',
      516,
      'AUTHENTICATION_FAILED',
      'reader: Authentication failed',
      'refused the user "reader"',
    ],
    [
      'a missing table',
      60,
      'UNKNOWN_TABLE',
      "Unknown table expression identifier 'otel.otel_traces' in scope SELECT 1",
      'has no table otel.otel_traces',
    ],
    ['a missing database', 81, 'UNKNOWN_DATABASE', 'Database otel does not exist', 'has no database "otel"'],
  ])(
    'names %s, never the password, and goes on when it is mended',
    async (_what, code, name, message, said) => {
      server = await FakeClickHouse.start();
      server.refuse(code, name, message);
      await open(server.url, '#/traces');
      await alert(said).waitFor();
      expect(await page.content()).not.toContain('a-secret-password');
      server.answer = (response) => response.end();
      await page.locator('.notice', { hasText: 'There are no traces' }).waitFor();
      await alert(said).waitFor({ state: 'detached' });
    },
  );

  it('waits for an answer that takes longer than the page would ask again, and does not end the query', async () => {
    server = await FakeClickHouse.start();
    const { answer } = server;
    const ended: string[] = [];
    server.answer = (response, query) => {
      response.on('close', () => {
        if (!response.writableFinished) ended.push(query.text);
      });
      setTimeout(() => {
        answer(response, query);
      }, 6_000).unref();
    };
    await open(server.url, '#/errors');
    await page.getByText('No errors.').waitFor();
    const ofErrors = (text: string): boolean => text.includes('groupArraySorted');
    expect(ended.filter(ofErrors)).toEqual([]);
    // Failed spans and lines, each once.
    expect(server.asked.filter(({ text }) => ofErrors(text)).length).toBe(2);
  });

  it('says that an answer took too long and what to do, in the view that asked', async () => {
    server = await FakeClickHouse.start();
    server.refuse(159, 'TIMEOUT_EXCEEDED', 'Timeout exceeded: elapsed 20.1 seconds, maximum: 20');
    await open(server.url, '#/errors?live=0');
    await alert('did not answer within 20 s').waitFor();
    expect(await alert('did not answer').innerText()).toMatch(/choose a shorter time/);
    server.answer = (response) => response.end();
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByText('No errors.').waitFor();
  });
});
