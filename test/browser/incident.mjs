// Requests to the sample system that leave something to find.

/** `POST /process` at the gateway: how it was answered, and the trace it made where the answer names it. */
export async function sendRequest(gateway, body) {
  const response = await fetch(`${gateway}/process`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const traceId = response.headers.get('traceparent')?.split('-')[1] ?? '';
  await response.arrayBuffer();
  return { status: response.status, traceId };
}

/** An ordinary request; one that the model keeps waiting and whose job then fails; one that the model refuses. */
export const REQUESTS = {
  usual: { text: 'hello' },
  spike: { text: 'take your time', simulate: { llm: 'slow', job: 'fail' } },
  refused: { text: 'the model is down', simulate: { llm: 'fail' } },
};

/** Traffic with something in it to find: many usual requests, a spike of a few slow ones that fail within, a few refused. */
export async function sendIncident(gateway, { usual = 30, spike = 4, refused = 2 } = {}) {
  const sent = { usual: [], spike: [], refused: [] };
  const half = Math.ceil(usual / 2);
  for (let at = 0; at < half; at += 1) sent.usual.push(await sendRequest(gateway, REQUESTS.usual));
  const from = Date.now();
  sent.spike = await Promise.all(Array.from({ length: spike }, () => sendRequest(gateway, REQUESTS.spike)));
  const to = Date.now();
  for (let at = 0; at < refused; at += 1) sent.refused.push(await sendRequest(gateway, REQUESTS.refused));
  for (let at = half; at < usual; at += 1) sent.usual.push(await sendRequest(gateway, REQUESTS.usual));
  return { ...sent, from, to };
}
