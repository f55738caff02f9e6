import type * as inspectorModule from 'node:inspector';

export type InspectorSession = inspectorModule.Session;

/** Why the inspector of this process cannot be used. */
export type InspectorRefusal = 'missing' | 'attached' | 'forbidden';

/** A session with the inspector of this process, or why there is none. No port is opened. Loads the inspector when it is called first. */
export function openInspector(): InspectorSession | InspectorRefusal {
  // Whatever its type says: Node can be built without.
  const inspector = process.getBuiltinModule('node:inspector') as typeof inspectorModule | undefined;
  if (inspector === undefined) return 'missing';
  // A debugger is attached: its breakpoints and its view must not be disturbed.
  if (inspector.url() !== undefined) return 'attached';
  const session = new inspector.Session();
  try {
    session.connect();
  } catch {
    // Node's permission model forbids it, on purpose.
    return 'forbidden';
  }
  return session;
}

/** On its own thread the inspector answers before `post` returns; what is thrown in between would end as a warning of Node's. */
export function askInspector<Answer>(session: InspectorSession, method: string, params: object = {}): Answer {
  const answers: { readonly error: Error | null; readonly result: object | undefined }[] = [];
  session.post(method, params, (error, result) => {
    answers.push({ error, result });
  });
  const [answer] = answers;
  if (answer === undefined) throw new Error(`The inspector does not answer ${method}`);
  if (answer.error !== null) throw answer.error;
  return answer.result as Answer;
}
