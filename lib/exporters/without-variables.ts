/**
 * What `construct` gives, while the named environment variables look unset to it: exporters read some of them on their
 * own account, past our configuration. Synchronous, so nobody else sees the variables missing.
 */
export function withoutVariables<Result>(names: readonly string[], construct: () => Result): Result {
  const hidden = names.map((name) => [name, process.env[name]] as const);
  try {
    for (const name of names) Reflect.deleteProperty(process.env, name);
    return construct();
  } finally {
    for (const [name, value] of hidden) {
      if (value !== undefined) process.env[name] = value;
    }
  }
}
