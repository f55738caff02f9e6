import { type Page } from 'playwright-core';

/** What keeps somebody from reading or operating the page as it stands: small checks of our own, each sentence one barrier. */
export async function findBarriers(page: Page): Promise<readonly string[]> {
  const barriers = await page.evaluate<string[]>(`(${LOOK_FOR_BARRIERS})()`);
  return [...new Set(barriers)];
}

/** Runs in the page. WCAG 2.2 AA: text has a contrast of 4.5, or 3 where it is large; whatever can be operated has a name. */
const LOOK_FOR_BARRIERS = `() => {
  const found = [];
  const seen = (element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true })
    && element.getClientRects().length > 0 && !element.closest('.visually-hidden');
  const describe = (element) => element.tagName.toLowerCase() + (element.className ? '.' + String(element.className).trim().replace(/\\s+/g, '.') : '');

  const canvas = Object.assign(document.createElement('canvas'), { width: 1, height: 1 });
  const pen = canvas.getContext('2d', { willReadFrequently: true });
  // Lets the browser paint the colours over one another: they come as rgb(), color() and color-mix().
  const paint = (colours) => {
    pen.clearRect(0, 0, 1, 1);
    for (const colour of colours) { pen.fillStyle = colour; pen.fillRect(0, 0, 1, 1); }
    return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const behind = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) layers.unshift(getComputedStyle(at).backgroundColor);
    return ['white', ...layers];
  };
  const luminance = (rgb) => rgb
    .map((value) => value / 255)
    .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
    .reduce((sum, value, at) => sum + value * [0.2126, 0.7152, 0.0722][at], 0);
  const contrast = (one, other) => {
    const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  };

  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || !seen(element) || element.closest('[disabled], [aria-hidden=true]')) continue;
    const { color, fontSize, fontWeight } = getComputedStyle(element);
    const size = parseFloat(fontSize);
    const least = size >= 24 || (size >= 18.66 && fontWeight >= 700) ? 3 : 4.5;
    const layers = behind(element);
    const has = contrast(paint([...layers, color]), paint(layers));
    if (has < least) found.push(describe(element) + ' has a contrast of ' + has.toFixed(1));
  }

  const nameOf = (element) => element.getAttribute('aria-label')
    ?? (element.labels?.[0]?.textContent || element.textContent || element.title);
  for (const element of document.querySelectorAll('a, button, input, select, summary, [tabindex="0"], [role=grid], [role=treegrid], [role=application], section, nav, aside')) {
    if (!nameOf(element)?.trim()) found.push(describe(element) + ' has no name');
  }
  const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id);
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) found.push('#' + id + ' is there twice');
  for (const attribute of ['aria-activedescendant', 'aria-describedby', 'aria-controls', 'aria-labelledby', 'list']) {
    for (const element of document.querySelectorAll('[' + attribute + ']')) {
      if (!document.getElementById(element.getAttribute(attribute))) found.push(describe(element) + ' points with ' + attribute + ' to nothing');
    }
  }
  for (const row of document.querySelectorAll('[role=row]')) {
    if ([...row.children].some((cell) => !['gridcell', 'columnheader'].includes(cell.getAttribute('role')))) found.push(describe(row) + ' has children that are no cells');
  }
  for (const table of document.querySelectorAll('table')) if (!table.querySelector('th[scope]')) found.push(describe(table) + ' has no header');
  const levels = [...document.querySelectorAll('h1, h2, h3, h4')].map(({ tagName }) => Number(tagName[1]));
  if (levels.filter((level) => level === 1).length > 1) found.push('there are several h1');
  if (!document.title || !document.documentElement.lang) found.push('the document has no title or language');
  return found;
}`;
