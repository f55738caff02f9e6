/** What is used of vitest, which is installed where tests run in it and not here; not published. */
declare module 'vitest' {
  export const expect: {
    extend(matchers: object): void;
    addSnapshotSerializer(serializer: object): void;
  };
  export function afterAll(end: () => Promise<void>): void;
  // eslint-disable-next-line @typescript-eslint/no-empty-object-type, @typescript-eslint/no-unused-vars -- extended by vitest.ts
  export interface Matchers<T> {}
}
