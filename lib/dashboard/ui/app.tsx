import { useEffect } from 'preact/hooks';

import { useConnection } from './connection.js';
import { Header } from './header.js';
import { Notice } from './parts/notice.js';
import { onGlobalKey } from './keyboard.js';
import { addressOf, usePlace, type Place } from './state.js';
import { CompareView } from '../panels/compare/view.js';
import { HealthView } from '../panels/health/view.js';
import { LogsView } from '../panels/logs/view.js';
import { MetricsView } from '../panels/metrics/view.js';
import { OverviewView } from '../panels/overview/view.js';
import { SelectionPanel } from '../panels/selection/view.js';
import { TraceView } from '../panels/trace/view.js';
import { TracesView } from '../panels/traces/view.js';

function View({ place }: { readonly place: Place }) {
  const [name = 'overview', id, other] = place.path;
  switch (name) {
    case 'overview':
      return <OverviewView place={place} />;
    case 'traces':
      return <TracesView place={place} />;
    case 'trace':
      return <TraceView key={id} place={place} traceId={id ?? ''} />;
    case 'compare':
      return <CompareView traceId={id ?? ''} otherId={other} />;
    case 'logs':
      return <LogsView place={place} />;
    case 'metrics':
      return <MetricsView place={place} />;
    case 'health':
      return <HealthView />;
    default:
      return (
        <Notice>
          There is no page of this name. <a href={addressOf(['overview'])}>To the overview</a>
        </Notice>
      );
  }
}

/** The page: a header, one view, and beside it what a selected region has in common. */
export function App() {
  const place = usePlace();
  useEffect(() => {
    addEventListener('keydown', onGlobalKey);
    return () => {
      removeEventListener('keydown', onGlobalKey);
    };
  }, []);
  const name = place.path[0] ?? 'overview';
  useEffect(() => {
    document.title = `${name.charAt(0).toUpperCase()}${name.slice(1)} · Telemetry`;
  }, [name]);
  return (
    <>
      <a class="skip" href="#main" onClick={skipToMain}>
        Skip to content
      </a>
      <Header place={place} />
      <ConnectionNotice />
      <div class="below-header">
        <main id="main" tabIndex={-1} class={`view view-${/^[a-z]+$/.test(name) ? name : 'unknown'}`}>
          <View place={place} />
        </main>
        <SelectionPanel place={place} />
      </div>
    </>
  );
}

/** Says that the application is gone, in one place, for as long as it is. */
function ConnectionNotice() {
  const answers = useConnection();
  return (
    <div role="alert">
      {!answers && (
        <p class="connection-lost notice-error">
          The application does not answer; it may be restarting. What is shown stays, and the page goes on by
          itself as soon as there is an answer.
        </p>
      )}
    </div>
  );
}

function skipToMain(event: Event): void {
  // The hash is the address of the view, so a jump within the page must not change it.
  event.preventDefault();
  document.getElementById('main')?.focus();
}
