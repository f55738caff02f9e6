// The way without links: a query of Prometheus, a guess at the time, a search in Jaeger, and the id looked for in the log file.
import { readFileSync } from 'node:fs';
import { URLSearchParams } from 'node:url';

import { startAsking } from './asked.mjs';

const SPIKE_SECONDS = 1;
/** Over which Prometheus takes the rate: a spike is seen up to this much later than it was. */
const RATE_SECONDS = 60;
const BUCKETS = 'http_server_request_duration_seconds_bucket';

/** Every request is one that a person's tools would send; `steps` are what the person does for it. */
export async function askBackends({ prometheus, jaeger, logFile }) {
  const api = startAsking();
  const steps = [];
  const p99By = async (labels, filter, start, end) => {
    const query = `histogram_quantile(0.99, sum by (le, ${labels}) (rate(${BUCKETS}${filter}[${RATE_SECONDS}s])))`;
    const address = `${prometheus}/api/v1/query_range?query=${encodeURIComponent(query)}&start=${start}&end=${end}&step=5`;
    return (await api.get(address)).data.result.map(({ metric, values }) => ({
      metric,
      high: values.filter(([, value]) => Number(value) > SPIKE_SECONDS).map(([time]) => time),
    }));
  };

  steps.push('Prometheus: write the query for p99 by service, run it over the last 15 minutes.');
  const now = Date.now() / 1_000;
  const services = await p99By('job', '', now - 900, now);
  // The one that is called first: the others only pass their callers' delay on, or are too fast to show it.
  const service = services.find(({ metric, high }) => metric.job === 'api_gateway' && high.length > 0);
  if (service === undefined) throw new Error('no service is slow');
  steps.push('Read off the graph which service is high, and from when to when.');
  const start = Math.min(...service.high) - RATE_SECONDS;
  const end = Math.max(...service.high);
  steps.push('Prometheus: write the query for p99 of that service by route, run it over that time.');
  const routes = await p99By('http_route', `{job="${service.metric.job}"}`, start, end);
  const route = routes.find(({ high }) => high.length > 0).metric.http_route;

  steps.push('Open Jaeger and choose the service.');
  const known = await api.get(`${jaeger}/api/services`);
  if (!known.data.includes(service.metric.job)) throw new Error('Jaeger does not know the service');
  steps.push('Choose the operation that belongs to the route.');
  const operations = await api.get(`${jaeger}/api/services/${service.metric.job}/operations`);
  const operation = operations.data.find((name) => name.endsWith(` ${route}`));
  steps.push('Enter the smallest duration that counts as slow.');
  steps.push('Enter the start and the end of the time.');
  steps.push('Search.');
  const search = new URLSearchParams({
    service: service.metric.job,
    operation,
    minDuration: `${SPIKE_SECONDS}s`,
    start: String(Math.round(start * 1e6)),
    end: String(Math.round(end * 1e6)),
    limit: '20',
  });
  const found = (await api.get(`${jaeger}/api/traces?${search}`)).data;
  steps.push('Choose one that is marked with errors, and open it.');
  const isFailed = ({ tags }) => tags.some(({ key, value }) => key === 'error' && value === true);
  const chosen = found.find(({ spans }) => spans.some(isFailed));
  const opened = (await api.get(`${jaeger}/api/traces/${chosen.traceID}`)).data[0];
  steps.push('Look for the span that failed, and open it.');
  if (!opened.spans.some(isFailed)) throw new Error('no span failed');
  steps.push('Copy the trace id.');
  steps.push('Search the log file for it.');
  const lines = readFileSync(logFile, 'utf8').split('\n');
  const ofTrace = lines.filter((line) => line.includes(chosen.traceID));
  steps.push('Pick out the error among the lines found, and look at the lines below it for the stack.');
  const log = ofTrace.find((line) => line.includes('ERROR')) ?? '';
  return {
    ...api.counted(),
    steps,
    traceId: chosen.traceID,
    traces: found.length,
    lines: ofTrace.length,
    linesSearched: lines.length,
    log,
  };
}
