/** How long one question may hold up the event loop when it has to look at many rows. */
const BUDGET_MS = 30;

/** Gives a function that says when to stop looking; a page that is not full then says where to go on. */
export function startBudget(milliseconds = BUDGET_MS): () => boolean {
  const until = performance.now() + milliseconds;
  let looks = 0;
  // The clock costs more than most rows.
  return () => (looks++ & 15) === 15 && performance.now() >= until;
}
