import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';

import { ApiFailure, isUnanswered, readToken, signIn } from '../client.js';
import type { Loaded } from './use-load.js';

interface Texts {
  readonly empty?: ComponentChildren;
}

interface NoticeProps {
  readonly children: ComponentChildren;
  readonly kind?: 'empty' | 'loading';
}

/** What stands in place of data that is on its way, is not there, or could not be had. */
export function Notice({ children, kind = 'empty' }: NoticeProps) {
  return (
    <div class={`notice notice-${kind}`} role="status">
      {children}
    </div>
  );
}

/** The error that the application returned. When it returns nothing, the page's header says so. */
export function Failure({ error, retry }: { error: Error; retry: () => void }) {
  if (isUnanswered(error)) return null;
  if (error instanceof ApiFailure && error.status === 401) return <TokenForm done={retry} />;
  return (
    <div class="notice notice-error" role="alert">
      <p>{error instanceof ApiFailure ? `${error.message} (HTTP ${error.status})` : error.message}</p>
      <button type="button" onClick={retry}>
        Try again
      </button>
    </div>
  );
}

interface WhenLoadedProps<T> extends Texts {
  readonly loaded: Loaded<T>;
  readonly isEmpty?: (data: T) => boolean;
  readonly children: (data: T) => ComponentChildren;
}

/** Renders what was loaded, or a message until then. The content stays on the page while it is loaded again. */
export function WhenLoaded<T>({ loaded, empty = 'Nothing here.', isEmpty, children }: WhenLoadedProps<T>) {
  const { data, error, reload } = loaded;
  if (data === undefined) {
    if (error && !isUnanswered(error)) return <Failure error={error} retry={reload} />;
    return <Notice kind="loading">Loading…</Notice>;
  }
  return (
    <>
      {error && <Failure error={error} retry={reload} />}
      {isEmpty?.(data) ? <Notice>{empty}</Notice> : children(data)}
    </>
  );
}

/** Asks for the token that the application requires. */
function TokenForm({ done }: { done: () => void }) {
  const [token, setToken] = useState('');
  const refused = readToken() !== undefined;
  const submit = (event: Event): void => {
    event.preventDefault();
    void signIn(token.trim()).then(done);
  };
  return (
    <form class="notice notice-token" onSubmit={submit}>
      <p>{refused ? 'This is not the token of the application.' : 'The dashboard requires a token.'}</p>
      <label>
        Token{' '}
        <input
          type="password"
          autocomplete="off"
          value={token}
          onInput={(event) => {
            setToken(event.currentTarget.value);
          }}
        />
      </label>{' '}
      <button type="submit" disabled={token.trim() === ''}>
        Open
      </button>
      <p class="hint">
        The application prints it at start, in the address of the dashboard (…/#token=…), unless the option
        dashboard.token or TELEMETRY_DASHBOARD_TOKEN sets it.
      </p>
    </form>
  );
}
