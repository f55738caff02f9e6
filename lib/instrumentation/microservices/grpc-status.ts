import { GRPC_STATUS_NAMES, type GrpcStatus } from '../../errors/grpc-status.js';

/** What the conventions count as the server's fault; the others are answers to the caller. */
const SERVER_FAULTS = new Set<GrpcStatus>([
  'UNKNOWN',
  'DEADLINE_EXCEEDED',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
]);

/** The status in the `code` of an error or of what ends a call. */
export function grpcStatusOf(value: unknown): GrpcStatus {
  const code: unknown =
    typeof value === 'object' && value !== null && 'code' in value ? value.code : undefined;
  return (typeof code === 'number' ? GRPC_STATUS_NAMES[code] : undefined) ?? 'UNKNOWN';
}

export function isServerFault(status: GrpcStatus): boolean {
  return SERVER_FAULTS.has(status);
}
