/** The known name a mistyped one most likely stands for; undefined when none is close. */
export function suggestName(mistyped: string, known: readonly string[]): string | undefined {
  const wanted = simplify(mistyped);
  const ranked = known
    .map((name) => ({ name, distance: distanceBetween(wanted, simplify(name)) }))
    .sort((a, b) => a.distance - b.distance);
  const [closest] = ranked;
  if (closest === undefined) return undefined;
  return closest.distance <= Math.max(1, Math.floor(wanted.length / 3)) ? closest.name : undefined;
}

/** `service_name`, `service-name` and `ServiceName` all mean `serviceName`. */
function simplify(name: string): string {
  return name.replace(/[_\-.\s]/g, '').toLowerCase();
}

/** A name that only goes on (`warning` for `warn`) is as close as one wrong letter. */
function distanceBetween(from: string, to: string): number {
  const shorter = Math.min(from.length, to.length);
  const goesOn = shorter >= 3 && from.slice(0, shorter) === to.slice(0, shorter) && from !== to;
  return goesOn ? 1 : editDistance(from, to);
}

/** Levenshtein's distance, row by row. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= to.length; j += 1) {
      const substituted = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(substituted, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
