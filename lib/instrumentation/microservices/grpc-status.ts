import { GRPC_STATUS_NAMES, type GrpcStatus } from '../../errors/grpc-status.js';

/**
 * What the conventions count as the server's fault; the others are answers the caller asked for.
 */
const SERVER_FAULTS = new Set<GrpcStatus>([
  'UNKNOWN',
  'DEADLINE_EXCEEDED',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
]);

export function nameGrpcStatus(code: unknown): GrpcStatus {
  return (typeof code === 'number' ? GRPC_STATUS_NAMES[code] : undefined) ?? 'UNKNOWN';
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
