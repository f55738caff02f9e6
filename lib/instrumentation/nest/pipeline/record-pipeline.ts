import { observeFilters } from './observe-filters.js';
import { observeGuards } from './observe-guards.js';
import { observeInterceptors } from './observe-interceptors.js';
import { observePipes } from './observe-pipes.js';

/** Records the stages of NestJS's pipeline around handlers, in all contexts that share it; returns the undo. */
export function recordPipeline(): () => void {
  const undo = [observeGuards(), observeInterceptors(), observePipes(), observeFilters()];
  return () => {
    for (const restore of undo) restore();
  };
}
