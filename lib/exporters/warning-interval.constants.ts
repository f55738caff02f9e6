/** How often the same trouble is said again while it lasts, in milliseconds. */
export const WARNING_INTERVAL_MS = 60_000;
