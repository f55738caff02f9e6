import type { ErrorAnswer, ErrorState } from '../../../reader/answers/errors.interface.js';

/** What each state means, in the words of the page. */
export const STATE_MEANINGS: Readonly<Record<ErrorState, string>> = {
  new: 'First seen in this time range, or in the version that runs now',
  back: 'Seen again, after it was not seen in the time before',
  known: 'Seen in this time range and before',
  gone: 'Not seen in this time range',
};

export const nameState = (state: ErrorState): string => `${state.charAt(0).toUpperCase()}${state.slice(1)}`;

export function StateBadge({ state }: Pick<ErrorAnswer, 'state'>) {
  return (
    <span class={`error-state error-state-${state}`} title={STATE_MEANINGS[state]}>
      {nameState(state)}
    </span>
  );
}
