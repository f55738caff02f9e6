import { planEdits } from './init/plan-edits.js';
import { renderEdit } from './init/render-edit.js';

/** What is used of a tree of files of `@angular-devkit/schematics`, which comes with the Nest CLI. */
interface Tree {
  readText(path: string): string;
  exists(path: string): boolean;
  create(path: string, content: string): void;
  overwrite(path: string, content: string): void;
}

interface Context {
  readonly logger: { info(message: string): void; warn(message: string): void };
}

/** The schematic of `nest add nestjs-telemetry`: the same edits as `nestjs-telemetry init`. */
export function nestAdd(): (tree: Tree, context: Context) => Tree {
  return (tree, { logger }) => {
    const { edits, byHand } = planEdits((path) => (tree.exists(path) ? tree.readText(path) : undefined));
    for (const edit of edits) {
      logger.info(renderEdit(edit));
      if (edit.before === undefined) tree.create(edit.path, edit.after);
      else tree.overwrite(edit.path, edit.after);
    }
    for (const hint of byHand) logger.warn(`By hand: ${hint}`);
    return tree;
  };
}
