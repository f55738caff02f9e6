/** What this browser remembered of the page under a name; undefined where it did not. */
export function readKept(key: string): string | undefined {
  try {
    return localStorage.getItem(key) ?? undefined;
  } catch {
    // Storage may be forbidden; then nothing was kept.
    return undefined;
  }
}

/** Remembers a text for the next time the page is opened, where the browser lets it. */
export function keep(key: string, text: string): void {
  try {
    localStorage.setItem(key, text);
  } catch {
    // Then it lasts until the page is loaded again.
  }
}
