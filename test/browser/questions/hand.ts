import type { Locator, Page } from 'playwright-core';

/** What an engineer does on the page. Each press of the mouse counts. */
export interface Hand {
  readonly page: Page;
  readonly main: Locator;
  /** Opens a view by its link in the header. */
  openView(name: string): Promise<void>;
  click(target: Locator): Promise<void>;
  /** Chooses in a select; counts as one click. */
  choose(target: Locator, value: string): Promise<void>;
  /** Types into the search field with this label. */
  type(label: RegExp, text: string): Promise<void>;
  clicks(): number;
}

export function createHand(page: Page): Hand {
  let clicks = 0;
  const click = async (target: Locator): Promise<void> => {
    await target.click();
    clicks += 1;
  };
  return {
    page,
    main: page.locator('main'),
    click,
    openView: (name) => click(page.getByRole('navigation').getByRole('link', { name, exact: true })),
    async choose(target, value) {
      await target.selectOption(value);
      clicks += 1;
    },
    type: (label, text) => page.getByRole('searchbox', { name: label }).fill(text),
    clicks: () => clicks,
  };
}
