import { describeInChromium, useStage } from './chromium.js';

describeInChromium('the control of telemetry', () => {
  const stage = useStage();

  it('changes a log level by keyboard alone, lists the change and cancels it', async () => {
    const page = await stage.open('#/control');
    await page.getByText('Only in the process that serves this page').waitFor();
    await page.getByLabel('Context (empty: all)').focus();
    await page.keyboard.type('OrderService');
    await page.keyboard.press('Enter');
    const row = page.locator('section[aria-label="Active changes"] tbody tr');
    await row.getByText('Log level debug for OrderService').waitFor();
    expect(await row.innerText()).toContain('127.0.0.1');
    expect(await row.innerText()).toContain('15 minutes');
    await row.getByRole('button', { name: 'Cancel Log level debug for OrderService' }).focus();
    await page.keyboard.press('Enter');
    await page.getByText('None.').waitFor();
  });

  it('shows why nothing can be changed, in place of the form', async () => {
    const page = await stage.open('');
    const reason = 'This dashboard is open (dashboard.token: false).';
    await page.route('**/api/v1/control', async (route) => {
      const answer = (await (await route.fetch()).json()) as object;
      await route.fulfill({ json: { ...answer, refused: reason } });
    });
    await page.getByRole('link', { name: 'Control' }).click();
    await page.getByText(reason).waitFor();
    expect(await page.locator('.control-form').count()).toBe(0);
  });
});
