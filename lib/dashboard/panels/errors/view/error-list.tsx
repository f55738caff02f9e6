import type { ErrorAnswer, ErrorListAnswer } from '../../../reader/answers/errors.interface.js';
import { ERROR_STATES } from '../../../reader/telemetry-reader.interface.js';
import { formatAge, formatCount, formatDateTime } from '../../../ui/format.js';
import { ServiceNames } from '../../../ui/parts/service-names.js';
import { type Column, Table } from '../../../ui/parts/table.js';
import { addressOf } from '../../../ui/state.js';
import { CountBars } from './count-bars.js';
import { formatUsers } from './format-users.js';
import { StateBadge } from './state-badge.js';

const MAX_MESSAGE = 200;

function ageColumn(
  name: string,
  timeOf: (error: ErrorAnswer) => number,
  versionOf: (error: ErrorAnswer) => string,
): Column<ErrorAnswer> {
  return {
    name,
    number: true,
    sortBy: timeOf,
    title: (error) => formatDateTime(timeOf(error)),
    cell: (error) => (
      <>
        {formatAge(timeOf(error))}
        {versionOf(error) !== '' && <div class="hint code">{versionOf(error)}</div>}
      </>
    ),
  };
}

const USERS: Column<ErrorAnswer> = {
  name: 'Users',
  number: true,
  sortBy: ({ users }) => users,
  cell: ({ users }) => formatUsers(users),
};

/** @param hasUsers whether any of the errors has users: few applications name them */
const columnsOf = (times: readonly number[], hasUsers: boolean): readonly Column<ErrorAnswer>[] => [
  {
    name: 'State',
    sortBy: ({ state }) => ERROR_STATES.indexOf(state),
    cell: (error) => <StateBadge {...error} />,
  },
  {
    name: 'Error',
    sortBy: ({ type }) => type,
    class: () => 'error-name',
    cell: ({ service, fingerprint, type, message }) => (
      <>
        <a href={addressOf(['errors', service, fingerprint])}>{type}</a>
        <div class="hint">{message.slice(0, MAX_MESSAGE)}</div>
      </>
    ),
  },
  {
    name: 'Service',
    sortBy: ({ service }) => service,
    cell: ({ service }) => <ServiceNames of={{ service, services: [] }} />,
  },
  {
    name: 'Route',
    class: () => 'error-route',
    sortBy: ({ route = '' }) => route,
    cell: ({ route }) => route ?? '–',
  },
  { name: 'Over time', cell: ({ counts }) => <CountBars times={times} counts={counts} word="error" /> },
  { name: 'Count', number: true, sortBy: ({ count }) => count, cell: ({ count }) => formatCount(count) },
  ...(hasUsers ? [USERS] : []),
  ageColumn(
    'First seen',
    ({ firstSeen }) => firstSeen,
    ({ firstVersion }) => firstVersion,
  ),
  ageColumn(
    'Last seen',
    ({ lastSeen }) => lastSeen,
    ({ lastVersion }) => lastVersion,
  ),
];

/** Errors, each with the way to what is known of it. */
export function ErrorList({ times, errors }: Pick<ErrorListAnswer, 'times' | 'errors'>) {
  return (
    <div class="card scroll-x">
      <Table
        class="errors"
        columns={columnsOf(
          times,
          errors.some(({ users }) => users > 0),
        )}
        rows={errors}
        keyOf={({ service, fingerprint }) => `${service} ${fingerprint}`}
      />
    </div>
  );
}
