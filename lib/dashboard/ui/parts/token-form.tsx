import { useState } from 'preact/hooks';

import { keepToken, readToken } from '../token.js';

/** Asks for the token that the application wants to see. */
export function TokenForm({ done }: { done: () => void }) {
  const [token, setToken] = useState('');
  const refused = readToken() !== undefined;
  const submit = (event: Event): void => {
    event.preventDefault();
    keepToken(token.trim());
    done();
  };
  return (
    <form class="notice notice-token" onSubmit={submit}>
      <p>{refused ? 'The application does not know this token.' : 'The application asks for a token.'}</p>
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
        It is the dashboard&rsquo;s `token` option, and is kept for as long as this tab is open.
      </p>
    </form>
  );
}
