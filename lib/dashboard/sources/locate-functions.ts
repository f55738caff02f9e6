import { inspect } from 'node:util';

import { warnOnce } from '../../errors/warnings.js';
import { askInspector as ask, type InspectorSession as Session, openInspector } from './inspector.js';

type AnyFunction = (...args: never[]) => unknown;

/** A script as the engine has it. */
export interface LoadedScript {
  /** As stack traces name it; empty for code that was made from text. */
  readonly url: string;
  /** What its `//# sourceMappingURL` says; empty where there is none. */
  readonly sourceMapUrl: string;
}

/** Where a function begins in the code that runs. */
export interface CodeLocation {
  readonly script: LoadedScript;
  /** From 0. */
  readonly line: number;
  readonly column: number;
}

/** What is used of the inspector's answers. */
interface Property {
  readonly name: string;
  readonly value?: { readonly objectId?: string; readonly value?: unknown };
}

interface ScriptPosition {
  readonly scriptId: string;
  readonly lineNumber: number;
  readonly columnNumber: number;
}

/** Where the functions are while the inspector looks at them: it is asked by an expression. */
const HANDOVER = Symbol.for('nestjs-telemetry.located-functions');
const EXPRESSION = `globalThis[Symbol.for(${JSON.stringify(HANDOVER.description)})]`;

/** A function takes some 30 microseconds to be asked for. */
const AT_ONCE = 100;

/**
 * Where each of these functions begins; undefined for one that is native or was made at run time. None is known while a debugger is attached to
 * this process, or where the inspector is missing or not allowed.
 *
 * It blocks the event loop once, for some 15 microseconds per kilobyte of all code that is loaded: a hundred milliseconds is
 * usual. Nothing stays switched on, and no code is compiled anew.
 */
export async function locateFunctions(
  functions: readonly AnyFunction[],
): Promise<readonly (CodeLocation | undefined)[]> {
  const session = openInspector();
  if (typeof session === 'string') return functions.map(() => undefined);
  try {
    const positions: (ScriptPosition | undefined)[] = [];
    for (let at = 0; at < functions.length; at += AT_ONCE) {
      await new Promise((resolve) => setImmediate(resolve));
      positions.push(...readPositions(session, functions.slice(at, at + AT_ONCE)));
    }
    // In another realm, as in jest, the handed-over functions are not found.
    if (positions.every((position) => position === undefined)) return positions.map(() => undefined);
    const scripts = readScripts(session);
    return positions.map((position) => {
      const script = position && scripts.get(position.scriptId);
      return script && { script, line: position.lineNumber, column: position.columnNumber };
    });
  } catch (error) {
    warnOnce('sources', `The dashboard cannot link to the source of spans: ${inspect(error)}.`);
    return functions.map(() => undefined);
  } finally {
    session.disconnect();
  }
}

function readPositions(session: Session, functions: readonly AnyFunction[]): (ScriptPosition | undefined)[] {
  const group = { objectGroup: String(HANDOVER.description) };
  const holder: Partial<Record<symbol, unknown>> = globalThis;
  holder[HANDOVER] = functions;
  try {
    const list = ask<{ result: { objectId?: string } }>(session, 'Runtime.evaluate', {
      expression: EXPRESSION,
      ...group,
    });
    const positions = functions.map((): ScriptPosition | undefined => undefined);
    for (const { name, value } of propertiesOf(session, list.result.objectId).result)
      if (/^\d+$/.test(name)) positions[Number(name)] = positionOf(session, value?.objectId);
    return positions;
  } finally {
    Reflect.deleteProperty(holder, HANDOVER);
    session.post('Runtime.releaseObjectGroup', group);
  }
}

function positionOf(session: Session, objectId: string | undefined): ScriptPosition | undefined {
  const { internalProperties = [] } = propertiesOf(session, objectId);
  const location = internalProperties.find(({ name }) => name === '[[FunctionLocation]]');
  return location?.value?.value as ScriptPosition | undefined;
}

function propertiesOf(
  session: Session,
  objectId: string | undefined,
): { readonly result: readonly Property[]; readonly internalProperties?: readonly Property[] } {
  if (objectId === undefined) return { result: [] };
  return ask(session, 'Runtime.getProperties', { objectId, ownProperties: true });
}

/** The debugger reports all scripts when it is switched on, and is switched off again before any other code runs. */
function readScripts(session: Session): ReadonlyMap<string, LoadedScript> {
  const scripts = new Map<string, LoadedScript>();
  session.on('Debugger.scriptParsed', ({ params: { scriptId, url, sourceMapURL = '' } }) => {
    scripts.set(scriptId, { url, sourceMapUrl: sourceMapURL });
  });
  session.post('Debugger.enable');
  session.post('Debugger.disable');
  return scripts;
}
