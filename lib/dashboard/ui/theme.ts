import { createListeners, useSyncExternalStore } from './parts/compat.js';
import { keep, readKept } from './parts/kept.js';

export type Theme = 'light' | 'dark';

const KEY = 'telemetry-theme';
const dark = matchMedia('(prefers-color-scheme: dark)');
const listeners = createListeners();
let chosen = readChosen();

function readChosen(): Theme | undefined {
  const value = readKept(KEY);
  return value === 'light' || value === 'dark' ? value : undefined;
}

const now = (): Theme => chosen ?? (dark.matches ? 'dark' : 'light');

function apply(): void {
  document.documentElement.dataset.theme = now();
  listeners.tell();
}

dark.addEventListener('change', apply);
apply();

/** The theme in use: what the reader chose, else what the system says. */
export const useTheme = (): Theme => useSyncExternalStore(listeners.subscribe, now);

export function toggleTheme(): void {
  chosen = now() === 'dark' ? 'light' : 'dark';
  keep(KEY, chosen);
  apply();
}
