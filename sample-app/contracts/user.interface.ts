/** A row of the `users` table. */
export interface User {
  readonly id: string;
  readonly name: string;
  readonly voice: string;
}
