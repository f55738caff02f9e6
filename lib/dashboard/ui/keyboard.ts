/** Keys that work wherever the focus is. */
import { showKeysHelp } from './keys-help.js';
import { showSavedViews } from './saved-views.js';
import { NO_REGION } from './selected-region.js';
import { setQuery } from './state.js';

/** What Esc closes, the innermost first: parameters of the address that each hold an open panel. */
const PANELS: readonly (readonly string[])[] = [['log'], Object.keys(NO_REGION), ['span']];

function isTyping(target: EventTarget | null): target is HTMLElement {
  return target instanceof HTMLElement && /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName);
}

function closePanel(): boolean {
  const query = new URLSearchParams(location.hash.split('?', 2)[1] ?? '');
  const open = PANELS.find((names) => names.some((name) => query.has(name) && query.get(name) !== 'none'));
  if (!open) return false;
  const closed = Object.fromEntries(open.map((name) => [name, name === 'span' ? 'none' : undefined]));
  setQuery(closed);
  return true;
}

/** `?` shows the keys, `v` the saved views, `/` goes to the search, Esc leaves a field or closes the innermost panel, `1` to `9` follow the links of the header. */
export function onGlobalKey(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (event.key === 'Escape') {
    if (isTyping(event.target)) event.target.blur();
    else if (closePanel()) event.preventDefault();
    return;
  }
  if (isTyping(event.target)) return;
  if (event.key === '?') showKeysHelp();
  else if (event.key === 'v' && document.querySelector('dialog[open]') === null) {
    showSavedViews();
    // It is no first letter of the name.
    event.preventDefault();
  } else if (event.key === '/') {
    const search = document.querySelector<HTMLInputElement>('input[type=search]');
    search?.focus();
    search?.select();
    if (search) event.preventDefault();
  } else if (/^[1-9]$/.test(event.key)) {
    document.querySelector<HTMLAnchorElement>(`nav a:nth-of-type(${event.key})`)?.click();
  }
}
