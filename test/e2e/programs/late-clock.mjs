// With --import: the clock of this process is ten seconds behind.
const BEHIND_MS = 10_000;
const now = Date.now;
Date.now = () => now() - BEHIND_MS;
const timeOrigin = performance.timeOrigin - BEHIND_MS;
Object.defineProperty(performance, 'timeOrigin', { value: timeOrigin });
