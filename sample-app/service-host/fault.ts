/** What the sample system can do wrong; docs/stories.md follows each on the page. A deployment that fails is another version. */
export type Fault = 'slow-llm' | 'db-pool' | 'n-plus-one' | 'memory';

let current: unknown;

/** Takes from the process that started this one, if any, which fault begins, and when it ends. */
export function followFaults(): void {
  if (process.send === undefined) return;
  process.on('message', (message: { readonly fault?: unknown }) => {
    if ('fault' in message) current = message.fault;
  });
  // A listener on the channel would otherwise keep a closed application alive.
  process.channel?.unref();
}

export function hasFault(fault: Fault): boolean {
  return current === fault;
}
