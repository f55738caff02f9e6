/** Types of Thrift's binary protocol, by the number that stands in a field header. */
export const BINARY_TYPE = {
  STOP: 0,
  BOOL: 2,
  I8: 3,
  DOUBLE: 4,
  I16: 6,
  I32: 8,
  I64: 10,
  STRING: 11,
  STRUCT: 12,
  MAP: 13,
  SET: 14,
  LIST: 15,
} as const;

/** In the compact protocol a boolean field carries its value in its type; elements of collections carry a byte. */
export const COMPACT_TRUE = 1;
export const COMPACT_FALSE = 2;

/** The compact type for each binary type but STOP; for BOOL the one that announces boolean elements. */
export const COMPACT_TYPE: ReadonlyMap<number, number> = new Map([
  [BINARY_TYPE.BOOL, COMPACT_TRUE],
  [BINARY_TYPE.I8, 3],
  [BINARY_TYPE.I16, 4],
  [BINARY_TYPE.I32, 5],
  [BINARY_TYPE.I64, 6],
  [BINARY_TYPE.DOUBLE, 7],
  [BINARY_TYPE.STRING, 8],
  [BINARY_TYPE.LIST, 9],
  [BINARY_TYPE.SET, 10],
  [BINARY_TYPE.MAP, 11],
  [BINARY_TYPE.STRUCT, 12],
]);
