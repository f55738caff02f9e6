import type { ErrorAnswer } from '../../../reader/answers/errors.interface.js';
import type { OperationAnswer } from '../../../reader/answers/operations.interface.js';
import type { RouteVersionAnswer } from '../../../reader/answers/traffic.interface.js';
import { formatAge, formatCount, formatDuration, formatShare } from '../../../ui/format.js';
import type { Column } from '../../../ui/parts/table.js';
import { addressOf } from '../../../ui/state.js';

/** What takes the time within requests of a route. */
export const OPERATION_COLUMNS: readonly Column<OperationAnswer>[] = [
  {
    name: 'Operation',
    class: () => 'operation-name',
    title: ({ name }) => name,
    cell: ({ name, target }) => (
      <>
        {name} {target !== undefined && target !== '' && <span class="hint">{target}</span>}
      </>
    ),
  },
  { name: 'Service', cell: ({ service }) => service },
  {
    name: 'Self time',
    number: true,
    sortBy: ({ selfMs }) => selfMs,
    title: () => 'Of all requests of the sample together: none of its children ran',
    cell: ({ selfMs }) => formatDuration(selfMs),
  },
  { name: 'p95', number: true, sortBy: ({ p95 }) => p95, cell: ({ p95 }) => formatDuration(p95) },
  {
    name: 'Per request',
    number: true,
    sortBy: ({ perTrace }) => perTrace,
    cell: ({ perTrace }) => String(Math.round(perTrace * 10) / 10),
  },
  {
    name: 'Errors',
    number: true,
    sortBy: ({ errors }) => errors,
    class: ({ errors }) => (errors > 0 ? 'bad' : ''),
    cell: ({ errors }) => formatCount(errors),
  },
];

/** Errors with which a route failed. */
export const ERROR_COLUMNS: readonly Column<ErrorAnswer>[] = [
  {
    name: 'Error',
    title: ({ message }) => message,
    cell: ({ service, fingerprint, type, message }) => (
      <>
        <a href={addressOf(['errors', service, fingerprint])}>{type}</a> {message.slice(0, 120)}
      </>
    ),
  },
  { name: 'State', cell: ({ state }) => state },
  { name: 'Times', number: true, sortBy: ({ count }) => count, cell: ({ count }) => formatCount(count) },
  {
    name: 'Last seen',
    number: true,
    sortBy: ({ lastSeen }) => lastSeen,
    cell: ({ lastSeen }) => formatAge(lastSeen),
  },
];

/** What each version of the service answered by a route. */
export const VERSION_COLUMNS: readonly Column<RouteVersionAnswer>[] = [
  { name: 'Version', cell: ({ version, method }) => `${version} (${method})` },
  { name: 'Requests', number: true, cell: ({ count }) => formatCount(count) },
  {
    name: 'Errors',
    number: true,
    class: ({ errorShare }) => (errorShare > 0 ? 'bad' : ''),
    cell: ({ errorShare }) => formatShare(errorShare),
  },
  { name: 'p50', number: true, cell: ({ p50 }) => formatDuration(p50) },
  { name: 'p95', number: true, cell: ({ p95 }) => formatDuration(p95) },
  { name: 'First seen', number: true, cell: ({ firstSeen }) => formatAge(firstSeen) },
  { name: 'Last seen', number: true, cell: ({ lastSeen }) => formatAge(lastSeen) },
];
