import { useState } from 'preact/hooks';

import { readToken, signIn } from '../token.js';

/** Asks for the token that the application requires. */
export function TokenForm({ done }: { done: () => void }) {
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
