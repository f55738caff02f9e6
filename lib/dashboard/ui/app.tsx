import { useEffect, useRef } from 'preact/hooks';

import { SelectionPanel } from '../panels/selection/view.js';
import { useConnection, useDatabaseFailure } from './client.js';
import { hasFeature } from './database.js';
import { Header } from './header.js';
import { onGlobalKey } from './keyboard.js';
import { KeysHelp } from './keys-help.js';
import { LoadedView, panelOf } from './loaded-view.js';
import type { PanelView } from './panel-view.js';
import { Notice } from './parts/notice.js';
import { hasChoice } from './process-choice.js';
import { SavedViews } from './saved-views.js';
import { addressOf, usePlace } from './state.js';

function NoView() {
  return (
    <Notice>
      There is no page at this address. <a href={addressOf(['overview'])}>To the overview</a>
    </Notice>
  );
}

/** Whether a view cannot show what is chosen of the processes. */
const showsAll = ({ showsAllProcesses: which }: PanelView): boolean =>
  which === true || (which !== undefined && !hasFeature('processMetrics'));

/** The page: a header, one view, and beside it what a selected region has in common. */
export function App() {
  const place = usePlace();
  useEffect(() => {
    addEventListener('keydown', onGlobalKey);
    return () => {
      removeEventListener('keydown', onGlobalKey);
    };
  }, []);
  const view = panelOf(place.path);
  const title = view?.title ?? 'Not found';
  const path = place.path.join('/');
  useEffect(() => {
    document.title = `${title} · Telemetry`;
    // A trace adds its name; until the next one is loaded, its view has none.
  }, [title, path]);
  const opened = useRef(path);
  useEffect(() => {
    if (opened.current === path) return;
    opened.current = path;
    // The link or row that had the focus is gone: without this, a screen reader is left at the top of the document.
    if (document.activeElement === document.body)
      document.getElementById('main')?.focus({ preventScroll: true });
  }, [path]);
  return (
    <>
      <a class="skip" href="#main" onClick={skipToMain}>
        Skip to content
      </a>
      <Header place={place} view={view} />
      <KeysHelp />
      <SavedViews />
      <ConnectionNotice />
      <div class="below-header">
        <main id="main" tabIndex={-1} class={`view view-${view?.name ?? 'unknown'}`}>
          {view && hasChoice(place.query) && showsAll(view) && (
            <p class="hint" role="note">
              Not filtered: this view is about all processes of a service together.
            </p>
          )}
          {view ? <LoadedView key={view.name} panel={view} place={place} /> : <NoView />}
        </main>
        <SelectionPanel place={place} />
      </div>
    </>
  );
}

/** Shown while the application or its database does not answer, once for the whole page. */
function ConnectionNotice() {
  const answers = useConnection();
  const failure = useDatabaseFailure();
  return (
    <div role="alert">
      {(!answers || failure !== undefined) && (
        <p class="connection-lost notice-error">
          {answers ? failure : 'The application does not answer; it may be restarting.'} The data stays, and
          the page continues by itself when the {answers ? 'database answers' : 'application is back'}.
        </p>
      )}
    </div>
  );
}

function skipToMain(event: Event): void {
  // The hash is the address of the view: a jump within the page must not change it.
  event.preventDefault();
  document.getElementById('main')?.focus();
}
