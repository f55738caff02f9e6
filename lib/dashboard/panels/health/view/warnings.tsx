import { formatAge, formatCount, formatDateTime } from '../../../ui/format.js';
import type { HealthAnswer } from '../query.js';

export function Warnings({ warnings }: Pick<HealthAnswer, 'warnings'>) {
  if (warnings.length === 0) return <p class="hint pad">None.</p>;
  return (
    <ul class="warnings">
      {warnings.map(({ message, at, count }) => (
        <li key={`${at}${message}`}>
          <span>{message}</span>
          <span class="hint" title={formatDateTime(at)}>
            {formatAge(at)}
            {count > 1 ? `, ${formatCount(count)} times` : ''}
          </span>
        </li>
      ))}
    </ul>
  );
}
