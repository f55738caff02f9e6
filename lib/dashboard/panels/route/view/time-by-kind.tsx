import { Fragment } from 'preact';

import { formatDuration, formatTime, plural } from '../../../ui/format.js';
import { addressOf } from '../../../ui/state.js';
import { KIND_WORDS } from '../../trace/view/kind-words.js';
import type { RouteSampleAnswer } from '../route-api.interface.js';

const percent = (ms: number, of: number): string => `${Math.min((ms / of) * 100, 100)}%`;

/** On what requests spend their time: the newest beside the slowest. */
export function TimeByKind({ sample }: { readonly sample: RouteSampleAnswer }) {
  const { byKind, newest, slow, since } = sample;
  const widest = Math.max(0.001, ...byKind.flatMap(({ typicalMs, slowMs }) => [typicalMs, slowMs]));
  const sorted = [...byKind].sort((a, b) => b.slowMs - b.typicalMs - (a.slowMs - a.typicalMs));
  return (
    <div class="pad">
      <p class="hint">
        Self time on average: of the newest {plural(newest, 'request')}
        {since !== undefined && ` since ${formatTime(since, false)}`} (bar), and of the slowest{' '}
        {plural(slow, 'request')} of the time range (line).
      </p>
      <table class="kinds">
        <thead>
          <tr class="hint">
            <th scope="col">Time in</th>
            <td />
            <th scope="col" class="number">
              Newest
            </th>
            <th scope="col" class="number">
              Slowest
            </th>
          </tr>
        </thead>
        <tbody>
          {sorted.map(({ kind, typicalMs, slowMs, slowest }) => (
            <Fragment key={kind}>
              <tr>
                <th scope="row">{KIND_WORDS[kind]}</th>
                <td class="kind-bar">
                  <span class="kind-now" style={{ width: percent(typicalMs, widest) }} />
                  <i class="kind-median" style={{ left: percent(slowMs, widest) }} />
                </td>
                <td class="number">{formatDuration(typicalMs)}</td>
                <td class="number">{formatDuration(slowMs)}</td>
              </tr>
              <tr class="kind-words">
                <td colSpan={4} class="hint">
                  longest:{' '}
                  <a href={addressOf(['trace', slowest.traceId], { near: slowest.spanId })}>
                    {slowest.name}
                    {slowest.host !== undefined && ` · ${slowest.host}`} · {formatDuration(slowest.ms)}
                  </a>
                </td>
              </tr>
            </Fragment>
          ))}
        </tbody>
      </table>
    </div>
  );
}
