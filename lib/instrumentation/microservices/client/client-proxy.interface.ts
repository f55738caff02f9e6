import { type Observable } from 'rxjs';

/** What NestJS's clients hand to their transport; `metadata` is NestJS 12's place for what is not payload. */
export interface OutgoingPacket {
  readonly pattern: unknown;
  readonly data: unknown;
  metadata?: unknown;
}

export type DispatchHook = (packet: OutgoingPacket) => void;

/** What is used of NestJS's `ClientProxy`; the members of single transports are read where they are. */
export interface ClientProxyLike {
  send(pattern: unknown, data: unknown): Observable<unknown>;
  emit(pattern: unknown, data: unknown): Observable<unknown>;
  normalizePattern?(pattern: unknown): unknown;
  /** NestJS 12 only. */
  setOnDispatchHook?(hook: DispatchHook): void;
  onDispatchHook?: DispatchHook | undefined;
  readonly options?: unknown;
  serializer?: unknown;
}
