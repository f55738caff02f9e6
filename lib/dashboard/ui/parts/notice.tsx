import type { ComponentChildren } from 'preact';

import { ApiFailure, isUnanswered } from '../api.js';
import type { Loaded } from './use-load.js';
import { TokenForm } from './token-form.js';

interface Texts {
  readonly empty?: ComponentChildren;
}

/** What stands in place of data that is on its way, is not there, or could not be had. */
export function Notice({
  children,
  kind = 'empty',
}: {
  children: ComponentChildren;
  kind?: 'empty' | 'loading';
}) {
  return (
    <div class={`notice notice-${kind}`} role="status">
      {children}
    </div>
  );
}

/** What the application said instead of an answer. That it says nothing at all is told once, by the page's header. */
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

/** Renders what was loaded; says so while there is nothing to render yet. What is there stays on the page while it is asked for again. */
export function WhenLoaded<T>({
  loaded,
  empty = 'Nothing here.',
  isEmpty,
  children,
}: Texts & {
  readonly loaded: Loaded<T>;
  readonly isEmpty?: (data: T) => boolean;
  readonly children: (data: T) => ComponentChildren;
}) {
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
