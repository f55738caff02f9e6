/** Tells the process that started this one, if any, what is ready and where. */
export function announceReady(message: Readonly<Record<string, string>>): void {
  process.send?.({ ready: message });
}

/** Stops this process in its usual way when the one that started it is gone, however that one ended. */
export function stopWithParent(): void {
  if (process.send === undefined) return;
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  // A listener on the channel would otherwise keep a closed application alive.
  process.channel?.unref();
}
