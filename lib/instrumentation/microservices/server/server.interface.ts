/** What is used of NestJS's `Server`, of whichever transport. */
export interface ServerLike {
  readonly transportId?: unknown;
  readonly messageHandlers?: ReadonlyMap<unknown, unknown>;
  normalizePattern?(pattern: unknown): unknown;
}
