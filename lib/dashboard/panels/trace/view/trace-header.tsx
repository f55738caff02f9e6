import { useEffect, useState } from 'preact/hooks';

import type { TraceSummaryAnswer } from '../../../reader/answers/traces.interface.js';
import { request } from '../../../ui/client.js';
import { formatAge, formatDateTime, formatDuration, plural } from '../../../ui/format.js';
import { CopyButton } from '../../../ui/parts/copy-button.js';
import { CopyCurl } from '../../../ui/parts/copy-curl.js';
import { CopyPrompt } from '../../../ui/parts/copy-prompt.js';
import { saveFile } from '../../../ui/parts/save-file.js';
import { ServiceNames } from '../../../ui/parts/service-names.js';
import { failedSpans, stateText, statusOf, toneOf } from '../../../ui/parts/trace-outcome.js';
import { addressOf } from '../../../ui/state.js';
import type { AnalysedTrace } from '../query.js';

/** Whether it has a request that can be sent again. */
const isHttp = ({ spans }: AnalysedTrace): boolean =>
  spans.some(
    ({ kind, attributes }) =>
      kind === 'server' &&
      ['http.request.method', 'http.method'].some((key) => attributes[key] !== undefined),
  );

/** The trace and its log lines as OTLP JSON, as text. */
const otlpOf = async (traceId: string): Promise<string> =>
  (await request('traces/:traceId/otlp', { traceId })).text();

function DownloadButton({ traceId }: Pick<AnalysedTrace['summary'], 'traceId'>) {
  const [failed, setFailed] = useState(false);
  const download = async (): Promise<void> => {
    try {
      saveFile(`trace-${traceId}.json`, await otlpOf(traceId));
      setFailed(false);
    } catch {
      // There is no application any more, or no trace: the page says which when it asks next.
      setFailed(true);
    }
  };
  return (
    <button type="button" onClick={() => void download()}>
      {failed ? 'Not downloaded' : 'Download OTLP'}
    </button>
  );
}

/** The name of the root, which leads to the page of its route. */
function RootName({ of: { name, service, route } }: { readonly of: TraceSummaryAnswer }) {
  if (route === undefined || route === '') return <>{name}</>;
  // Without a method the page is about all of them.
  const method = name.endsWith(` ${route}`) ? name.slice(0, -route.length - 1) : undefined;
  return (
    <a href={addressOf(['route'], { service, method, route })} title="The page of this route">
      {name}
    </a>
  );
}

/** What the trace is, and what can be done with it. */
export function TraceHeader({ trace }: { readonly trace: AnalysedTrace }) {
  const { summary } = trace;
  const part = stateText(summary);
  const title = `${summary.name}, ${statusOf(summary)}, ${formatDuration(summary.durationMs)} · Telemetry`;
  useEffect(() => {
    document.title = title;
  }, [title]);
  return (
    <header class="trace-header">
      <div>
        <h1>
          <RootName of={summary} />{' '}
          <span class={`status status-${toneOf(summary)}`}>{statusOf(summary)}</span>
          {summary.errorCount > 0 && <span class="badge badge-error">{failedSpans(summary)}</span>}
          {summary.pinned && (
            <span class="badge" title="Kept when old traces are deleted">
              pinned
            </span>
          )}
        </h1>
        <p class="trace-facts">
          <b>
            {formatDuration(summary.durationMs)}
            {summary.state === 'running' && ' so far'}
          </b>
          {part !== undefined && <span class="hint">{part}</span>}
          <span>{plural(summary.spanCount, 'span')}</span>
          <span>
            {formatDateTime(summary.start)} <span class="hint">{formatAge(summary.start)}</span>
          </span>
          <span class="code">{summary.traceId}</span>
          <ServiceNames of={summary} />
        </p>
      </div>
      <div class="buttons">
        <a
          class="button"
          href={addressOf(['traces'], { service: summary.service, route: summary.route })}
          title="Other traces of this route"
        >
          More traces of this route
        </a>
        <a class="button" href={addressOf(['compare', summary.traceId])}>
          Compare
        </a>
        {isHttp(trace) && <CopyCurl of={{ traceId: summary.traceId }} />}
        <CopyPrompt of={{ traceId: summary.traceId }} />
        <CopyButton text={() => otlpOf(summary.traceId)}>Copy as OTLP</CopyButton>
        <DownloadButton traceId={summary.traceId} />
      </div>
    </header>
  );
}
