const OPENMETRICS = 'application/openmetrics-text';
const VERSIONS = new Set(['1.0.0', '0.0.1']);

/** Whether an `Accept` header prefers OpenMetrics, by its `q`, to the classic text format. */
export function acceptsOpenMetrics(accept: string | undefined): boolean {
  if (accept === undefined) return false;
  const ranges = accept.split(',').map(parseRange);
  const best = (matches: (type: string) => boolean): number =>
    Math.max(0, ...ranges.filter(({ type }) => matches(type)).map(({ quality }) => quality));
  const open = ranges
    .filter(({ type, version }) => type === OPENMETRICS && (version === undefined || VERSIONS.has(version)))
    .map(({ quality }) => quality);
  // On a tie, or for `*/*`, the classic text format is sent, which every scraper understands.
  return Math.max(0, ...open) > best((type) => type === 'text/plain' || type === 'text/*') && open.length > 0;
}

function parseRange(range: string): { type: string; version: string | undefined; quality: number } {
  const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
  const valueOf = (name: string): string | undefined =>
    parameters
      .find((parameter) => parameter.startsWith(`${name}=`))
      ?.slice(name.length + 1)
      .replace(/^"|"$/g, '');
  const quality = Number(valueOf('q') ?? 1);
  return { type, version: valueOf('version'), quality: Number.isFinite(quality) ? quality : 0 };
}
