/**
 * The value of one time series of `GET /metrics` at `url`: the one called `name` that has exactly `labels`.
 * 0 when it is not there, as Prometheus would have it for a counter nobody counted yet.
 */
export async function scrapeMetric(
  url: string,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<number> {
  const response = await fetch(`${url}/metrics`);
  if (!response.ok) throw new Error(`${url}/metrics answered ${response.status}`);
  const wanted = Object.entries(labels).map(([key, value]) => `${key}="${value}"`);
  for (const line of (await response.text()).split('\n')) {
    const [, found, given = '', value] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (found !== name) continue;
    const pairs = given === '' ? [] : given.split(',');
    if (pairs.length === wanted.length && wanted.every((pair) => pairs.includes(pair))) return Number(value);
  }
  return 0;
}
