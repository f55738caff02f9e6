/** Counts what a way through HTTP APIs costs: `get(url)` answers JSON; `counted()` says requests, bytes (as sent, before gzip) and time. */
export function startAsking(headers = {}) {
  const started = performance.now();
  let requests = 0;
  let bytes = 0;
  return {
    async get(url) {
      const response = await fetch(url, { headers });
      const text = await response.text();
      requests += 1;
      bytes += Buffer.byteLength(text);
      if (!response.ok) throw new Error(`${url} answered ${response.status}: ${text.slice(0, 200)}`);
      return JSON.parse(text);
    },
    counted: () => ({ requests, bytes, ms: performance.now() - started }),
  };
}
