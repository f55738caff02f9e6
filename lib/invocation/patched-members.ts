/** Own members laid over an object, and taken off again as if they had never been there. */
export interface PatchedMembers {
  restore(): void;
}

/**
 * Lays `members` over `target` as own, non-enumerable properties; returns undefined, and leaves `target` alone, when
 * it is frozen or sealed.
 */
export function patchMembers(
  target: object,
  members: Readonly<Record<string, unknown>>,
): PatchedMembers | undefined {
  const names = Object.keys(members);
  if (!names.every((name) => isReplaceable(target, name))) return undefined;
  const before = names.map((name) => Object.getOwnPropertyDescriptor(target, name));
  for (const name of names) {
    const value = members[name];
    Object.defineProperty(target, name, { value, writable: true, configurable: true, enumerable: false });
  }
  return {
    restore() {
      names.forEach((name, index) => {
        // Somebody else replaced the member meanwhile: theirs calls ours, which passes through once settled.
        if (Object.getOwnPropertyDescriptor(target, name)?.value !== members[name]) return;
        const descriptor = before[index];
        if (descriptor === undefined) Reflect.deleteProperty(target, name);
        else Object.defineProperty(target, name, descriptor);
      });
    },
  };
}

function isReplaceable(target: object, name: string): boolean {
  const own = Object.getOwnPropertyDescriptor(target, name);
  return own === undefined ? Object.isExtensible(target) : own.configurable === true;
}
