import { useEffect, useReducer, useState } from 'preact/hooks';

import { VIEWS } from '../panels/views.js';
import type { PanelView, View } from './panel-view.js';
import { Notice } from './parts/notice.js';
import type { Place } from './state.js';

/** Between two attempts to load a view. */
const RETRY_MS = 2_000;

const loaded = new Map<string, View>();

/** The panel of an address; without a name it is the first one. */
export const panelOf = ([name]: readonly string[]): PanelView | undefined =>
  name === undefined ? VIEWS[0] : VIEWS.find((panel) => panel.name === name);

/** Fetches the code of a view, once. */
export async function loadView({ name, load }: PanelView): Promise<void> {
  if (!loaded.has(name)) loaded.set(name, (await load()).View);
}

/** Fetches the other views while the page has nothing to do, so that they open without a wait. */
export async function loadOtherViews(): Promise<void> {
  for (const panel of VIEWS) {
    await new Promise((resolve) => {
      // Safari has no requestIdleCallback.
      if ('requestIdleCallback' in window) requestIdleCallback(resolve);
      else setTimeout(resolve, 200);
    });
    // A view that cannot be loaded says so when it is opened.
    await loadView(panel).catch(() => undefined);
  }
}

/** A view as soon as its code is there. */
export function LoadedView({ panel, place }: { readonly panel: PanelView; readonly place: Place }) {
  const [hasFailed, setFailed] = useState(false);
  const [, redraw] = useReducer<number, undefined>((count) => count + 1, 0);
  const LoadedComponent = loaded.get(panel.name);
  useEffect(() => {
    if (LoadedComponent) return undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isGone = false;
    const load = (): void => {
      loadView(panel).then(
        () => {
          if (!isGone) redraw(undefined);
        },
        () => {
          if (isGone) return;
          setFailed(true);
          timer = setTimeout(load, RETRY_MS);
        },
      );
    };
    load();
    return () => {
      isGone = true;
      clearTimeout(timer);
    };
  }, [panel, LoadedComponent]);
  if (LoadedComponent) return <LoadedComponent place={place} />;
  if (!hasFailed) return <Notice kind="loading">Loading…</Notice>;
  return (
    <div class="notice notice-error" role="alert">
      <p>
        The view “{panel.title}” could not be loaded: the application does not answer, or has another version
        since this page was opened. The page tries again every few seconds.
      </p>
      <button
        type="button"
        onClick={() => {
          location.reload();
        }}
      >
        Reload the page
      </button>
    </div>
  );
}
