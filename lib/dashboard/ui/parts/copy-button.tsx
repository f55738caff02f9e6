import { useState } from 'preact/hooks';

interface CopyButtonProps {
  readonly text: () => string | Promise<string>;
  readonly children: string;
}

/** Copies a text to the clipboard, and shows whether it worked. */
export function CopyButton({ text, children }: CopyButtonProps) {
  const [said, setSaid] = useState<string>();
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(await text());
      setSaid('Copied');
    } catch {
      // The clipboard is there on https and localhost only, and can be forbidden; or there was no answer.
      setSaid('Not copied');
    }
    setTimeout(() => {
      setSaid(undefined);
    }, 1_500);
  };
  return (
    <button type="button" onClick={() => void copy()}>
      {said ?? children}
    </button>
  );
}
