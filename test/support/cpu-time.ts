/**
 * CPU time that this process has used so far, in milliseconds. Bounds on what a call costs are measured with it:
 * a clock also counts the time for which other processes have the processor.
 */
export function processCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
