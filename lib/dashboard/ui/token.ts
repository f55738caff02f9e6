/**
 * The token that the application requires. It comes from the address `#token=…` or from the form,
 * and is exchanged for a cookie, so that bookmarks and new tabs work. Where cookies are blocked, it
 * lasts as long as the tab.
 */
const KEY = 'telemetry-token';

let memory: string | undefined;

/** The token that the reader gave in this tab. */
export function readToken(): string | undefined {
  try {
    return sessionStorage.getItem(KEY) ?? memory;
  } catch {
    // Storage may be forbidden; the token then lasts until the page is loaded again.
    return memory;
  }
}

function keepToken(token: string): void {
  memory = token;
  try {
    sessionStorage.setItem(KEY, token);
  } catch {
    // See above.
  }
}

/** Keeps the token for this tab, and asks the application for its cookie. Never rejects. */
export async function signIn(token: string): Promise<void> {
  keepToken(token);
  try {
    await fetch('api/v1/session', { method: 'POST', headers: { authorization: `Bearer ${token}` } });
  } catch {
    // The view asks next, and says what is wrong.
  }
}

/** Signs in with the token of the address, and takes it out of there: it must not be shared. */
export async function signInByAddress(): Promise<void> {
  const match = /^#token=([^&]+)/.exec(location.hash);
  if (!match?.[1]) return;
  location.replace('#/overview');
  await signIn(decoded(match[1]));
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
