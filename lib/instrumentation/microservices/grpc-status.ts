/** Names of gRPC's status codes, which are the positions. */
const NAMES = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
] as const;

export type GrpcStatus = (typeof NAMES)[number];

/** What the conventions count as the server's fault; the others are answers the caller asked for. */
const SERVER_FAULTS = new Set<GrpcStatus>([
  'UNKNOWN',
  'DEADLINE_EXCEEDED',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
]);

export function nameGrpcStatus(code: unknown): GrpcStatus {
  return (typeof code === 'number' ? NAMES[code] : undefined) ?? 'UNKNOWN';
}

/** The status that an error answers with: its `code`, as grpc-js does it. */
export function grpcStatusOf(error: unknown): GrpcStatus {
  return nameGrpcStatus(
    typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined,
  );
}

export function isServerFault(status: GrpcStatus): boolean {
  return SERVER_FAULTS.has(status);
}
