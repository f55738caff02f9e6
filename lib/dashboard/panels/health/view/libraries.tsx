import type { ClientLibrary } from '../query.js';

/** Client libraries that are loaded, and whether they are recorded. */
export function Libraries({
  libraries,
}: {
  readonly libraries: readonly (Omit<ClientLibrary, 'recorded'> & { readonly recorded?: boolean })[];
}) {
  return (
    <ul class="names">
      {libraries.map(({ name, version = '', recorded = false, reason = '' }) => (
        <li key={`${name}@${version}`}>
          <span class="code">
            {name} {version}
          </span>{' '}
          {recorded ? 'recorded' : `not recorded: ${reason}`}
        </li>
      ))}
    </ul>
  );
}
