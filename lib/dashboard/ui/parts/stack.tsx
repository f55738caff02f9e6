import type { SourcedFrame, SourcedStack } from '../../sources/source-stack.js';
import { sourceOf } from './source-link.js';
import { useEditor } from './use-editor.js';

interface FrameProps {
  readonly frame: SourcedFrame;
  readonly editor: string | null | undefined;
}

function Frame({ frame: { text, source, file, line, column }, editor }: FrameProps) {
  const place = source ?? (file === undefined ? undefined : { file, line });
  const link =
    place &&
    sourceOf(
      {
        'code.file.path': place.file.replace(/^file:\/\//, ''),
        ...(place.line !== undefined && { 'code.line.number': place.line }),
        ...(source === undefined && column !== undefined && { 'code.column.number': column }),
      },
      editor,
    );
  return (
    <li>
      <span class="code">{text}</span> {link?.href !== undefined && <a href={link.href}>open in editor</a>}
      {source && (
        <>
          <p class="hint code">
            {source.file}:{source.line}
          </p>
          <ol class="excerpt" start={source.firstLine}>
            {source.lines.map((each, index) => {
              const number = source.firstLine + index;
              return (
                <li key={number} aria-current={number === source.line ? 'true' : undefined}>
                  <code>{each}</code>
                </li>
              );
            })}
          </ol>
        </>
      )}
    </li>
  );
}

/** Frames of libraries that follow each other are folded. */
function foldLibraries(frames: readonly SourcedFrame[]): readonly (readonly SourcedFrame[])[] {
  const groups: SourcedFrame[][] = [];
  for (const frame of frames) {
    const last = groups.at(-1);
    if (frame.isLibrary && last?.[0]?.isLibrary === true) last.push(frame);
    else groups.push([frame]);
  }
  return groups;
}

/** The stack of an error and of its causes, with the source of the application's own lines. */
export function Stack({ parts }: { readonly parts: SourcedStack }) {
  const editor = useEditor();
  return (
    <>
      {parts.map(({ title, frames }, index) => (
        <div key={index} class="stack-part">
          <pre class="stack">{title}</pre>
          <ul class="frames">
            {foldLibraries(frames).map((group, at) => {
              const [first] = group;
              if (first === undefined) return null;
              if (!first.isLibrary) return <Frame key={at} frame={first} editor={editor} />;
              return (
                <li key={at}>
                  <details>
                    <summary>
                      {group.length} {group.length === 1 ? 'line' : 'lines'} of libraries
                    </summary>
                    <ul>
                      {group.map(({ text }, line) => (
                        <li key={line} class="code">
                          {text}
                        </li>
                      ))}
                    </ul>
                  </details>
                </li>
              );
            })}
          </ul>
        </div>
      ))}
    </>
  );
}
