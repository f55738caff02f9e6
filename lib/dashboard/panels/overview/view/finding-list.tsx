import { Fragment } from 'preact';

import { plural } from '../../../ui/format.js';
import type { Loaded } from '../../../ui/parts/use-load.js';
import { addressOf } from '../../../ui/state.js';
import type { Finding, FindingsAnswer } from '../findings.js';
import { describeFinding } from './describe-finding.js';

function FindingRow({ finding }: { readonly finding: Finding }) {
  const { label, tone, subject, text, path, query, more = [] } = describeFinding(finding);
  return (
    <li>
      <span class={`finding-kind finding-${tone}`}>{label}</span>
      <span>
        <a href={addressOf(path, query)}>{subject}</a> {text}
        {more.map((link) => (
          <Fragment key={link.text}>
            {' · '}
            <a href={addressOf(link.path, link.query)}>{link.text}</a>
          </Fragment>
        ))}
      </span>
    </li>
  );
}

/** What is wrong in the time range, the worst first; each finding leads to the place that shows it. */
export function FindingList({ loaded: { data, error } }: { readonly loaded: Loaded<FindingsAnswer> }) {
  return (
    <section class="card findings" aria-label="What stands out">
      <h2 class="visually-hidden">What stands out</h2>
      {data === undefined ? (
        <p class="hint">{error ? `Not known: ${error.message}` : 'Looking for what stands out…'}</p>
      ) : data.findings.length === 0 ? (
        <p class="hint">
          Nothing stands out: no new errors, no route that got worse, no late job, no lost telemetry.
        </p>
      ) : (
        <ul>
          {data.findings.map((finding, index) => (
            <FindingRow key={index} finding={finding} />
          ))}
        </ul>
      )}
      {data !== undefined && data.more > 0 && (
        <p class="hint">And {plural(data.more, 'other')} like these.</p>
      )}
    </section>
  );
}
