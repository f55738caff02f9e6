import { type StoreDatabase } from '../database/store-database.js';
import { type DeclaredFunction, type DeclaredRoute, type StoredResource } from '../rows.interface.js';
import { type StoreWriter } from '../writing/store-writer.js';
import { Declarations } from './declarations.js';
import { Readership } from './readership.js';

/** What the processes that share a file tell each other there: that they live, what they have, and that somebody reads. */
export class Presence {
  private readonly declarations = new Declarations();
  private readonly readership = new Readership();

  constructor(
    private readonly database: StoreDatabase,
    private readonly writer: StoreWriter,
  ) {}

  declareRoutes(resource: StoredResource, routes: readonly DeclaredRoute[]): void {
    this.declarations.declareRoutes(resource, routes);
    this.writeDeclarations();
  }

  declareFunctions(resource: StoredResource, functions: readonly DeclaredFunction[]): void {
    this.declarations.declareFunctions(resource, functions);
    this.writeDeclarations();
  }

  noteReader(): void {
    this.database.attempt((database) => {
      this.readership.note(database, Date.now());
    });
  }

  whileRead(everyMs: number, tell: () => void): () => void {
    return this.readership.listen(everyMs, tell);
  }

  /** Says what is not said yet and that this process lives, and tells those who want to know that somebody reads. */
  look(): void {
    this.writeDeclarations();
    this.database.attempt((database) => {
      this.readership.look(database, Date.now());
    });
  }

  /** The database is another one: all is said again. */
  restart(): void {
    this.declarations.restart();
    this.readership.restart();
  }

  /** Says that this process is there no more. */
  close(): void {
    this.database.attempt((database) => {
      this.declarations.close(database, this.writer.dictionaries, Date.now());
    });
  }

  private writeDeclarations(): void {
    this.database.attempt((database) => {
      this.declarations.write(database, this.writer.dictionaries, Date.now());
    });
  }
}
