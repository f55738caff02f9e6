/** Resolves in another task, so that input and drawing have their turn between two pieces of work. */
export const nextTask = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));
