/** The token that production asks for: from the address `#token=…` once, then for as long as the tab is open. */
const KEY = 'telemetry-token';

let memory: string | undefined;

/** The token the reader gave, if one was given. */
export function readToken(): string | undefined {
  try {
    return sessionStorage.getItem(KEY) ?? memory;
  } catch {
    // Storage may be forbidden; the token then lasts until the page is loaded again.
    return memory;
  }
}

export function keepToken(token: string): void {
  memory = token;
  try {
    sessionStorage.setItem(KEY, token);
  } catch {
    // See above.
  }
}

/** Takes a token out of the address, so that it is neither bookmarked nor shared. */
export function takeTokenFromAddress(): void {
  const match = /^#token=([^&]+)/.exec(location.hash);
  if (!match?.[1]) return;
  keepToken(decodeURIComponent(match[1]));
  location.replace('#/overview');
}
