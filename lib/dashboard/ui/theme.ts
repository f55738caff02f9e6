import { useSyncExternalStore } from './parts/use-external-store.js';

export type Theme = 'light' | 'dark';

const KEY = 'telemetry-theme';
const dark = matchMedia('(prefers-color-scheme: dark)');
const listeners = new Set<() => void>();
let chosen = readChosen();

function readChosen(): Theme | undefined {
  try {
    const value = localStorage.getItem(KEY);
    return value === 'light' || value === 'dark' ? value : undefined;
  } catch {
    // Storage may be forbidden; the system's choice holds.
    return undefined;
  }
}

const now = (): Theme => chosen ?? (dark.matches ? 'dark' : 'light');

function apply(): void {
  document.documentElement.dataset.theme = now();
  for (const listener of listeners) listener();
}

dark.addEventListener('change', apply);
apply();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The theme in use: what the reader chose, else what the system says. */
export const useTheme = (): Theme => useSyncExternalStore(subscribe, now);

export function toggleTheme(): void {
  chosen = now() === 'dark' ? 'light' : 'dark';
  try {
    localStorage.setItem(KEY, chosen);
  } catch {
    // Then it lasts until the page is loaded again.
  }
  apply();
}
