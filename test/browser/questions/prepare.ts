import { readFileSync } from 'node:fs';

import { type Incident, sendIncident, sendRequest, type SentRequest } from '../incident.mjs';

const USUAL = 12;
/** Longer than the busy request takes on a machine that does other work. */
const PROFILE_SECONDS = 6;

/** What the questions are asked about. */
export interface Facts {
  readonly incident: Incident;
  /** Sent by the user grace, after the deployment. */
  readonly ofGrace: readonly SentRequest[];
  /** Kept the processor of the gateway busy while a profile of it was recorded. */
  readonly busy: SentRequest;
  /** How many lines the log file had when the new version was deployed. */
  readonly linesBefore: number;
}

/** Asks until the answer is yes. Throws an error that names `what` when that takes too long. */
export type WaitFor = (what: string, ask: () => Promise<boolean>) => Promise<unknown>;

interface System {
  readonly logFile: string;
  readonly urls: { readonly gateway: string; readonly worker: string; readonly dashboard: string };
  deploy(service: 'worker', version: string): Promise<void>;
}

/**
 * Usual requests, a spike of slow ones, refused ones, a request that keeps the processor busy, a list with a query per
 * result; then a version of the worker that begins to fail.
 */
export async function prepareFacts(system: System, waitFor: WaitFor): Promise<Facts> {
  const { gateway, worker, dashboard } = system.urls;
  const incident = await sendIncident(gateway, { usual: USUAL });
  await waitFor('the results of the usual requests', async () => {
    const results = await fetch(`${worker}/jobs?userId=ada`);
    return ((await results.json()) as readonly unknown[]).length >= USUAL;
  });
  // The first answer finds where methods were written, which would be most of the profile.
  await askApi(dashboard, 'routes');
  await waitFor('a profile to begin', () => profile(dashboard, PROFILE_SECONDS));
  const busy = await sendRequest(gateway, { text: 'compute', simulate: { cpu: 'busy' } });
  const list = await fetch(`${worker}/jobs?userId=ada&simulate=n-plus-one`);
  await list.arrayBuffer();
  const linesBefore = readFileSync(system.logFile, 'utf8').split('\n').length;
  await system.deploy('worker', '0.2.0');
  const ofGrace: SentRequest[] = [];
  for (let sent = 0; sent < 4; sent += 1)
    ofGrace.push(await sendRequest(gateway, { text: 'how are you?', userId: 'grace' }));
  await waitFor('the profile to end', async () => {
    const { profiles } = (await askApi(dashboard, 'profiles')) as { readonly profiles: readonly unknown[] };
    return profiles.length > 0;
  });
  return { incident, ofGrace, busy, linesBefore };
}

/** Begins a CPU profile of the process that serves the page; false while its event loop is too busy for one. */
async function profile(dashboard: string, seconds: number): Promise<boolean> {
  const response = await fetchApi(dashboard, 'profiles', {
    method: 'POST',
    body: JSON.stringify({ seconds }),
  });
  const answer = await response.text();
  if (!response.ok && response.status !== 503) throw new Error(`no profile: ${answer}`);
  return response.ok;
}

async function askApi(dashboard: string, address: string): Promise<unknown> {
  return (await fetchApi(dashboard, address)).json();
}

function fetchApi(dashboard: string, address: string, request: RequestInit = {}): Promise<Response> {
  const { origin, pathname, hash } = new URL(dashboard);
  return fetch(`${origin}${pathname.replace(/\/$/, '')}/api/v1/${address}`, {
    ...request,
    headers: { 'content-type': 'application/json', authorization: `Bearer ${hash.replace('#token=', '')}` },
  });
}
