import { useState } from 'preact/hooks';

import { request } from '../../../ui/client.js';

/** Saves a file of the API; a link would not send the token where cookies are blocked. Throws what `request()` throws. */
export async function save(answer: Response, name: string): Promise<void> {
  const address = URL.createObjectURL(await answer.blob());
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  URL.revokeObjectURL(address);
}

/** Saves a profile as a file for other tools. */
export function DownloadProfile({ id }: { readonly id: string }) {
  const [failed, setFailed] = useState(false);
  const download = async (): Promise<void> => {
    try {
      await save(await request('profiles/:id/cpuprofile', { id }), `cpu-${id.slice(0, 8)}.cpuprofile`);
      setFailed(false);
    } catch {
      // It may have been replaced by newer ones meanwhile.
      setFailed(true);
    }
  };
  return (
    <button
      type="button"
      title="For the developer tools of Chrome, or VS Code"
      onClick={() => void download()}
    >
      {failed ? 'Not downloaded' : 'Download .cpuprofile'}
    </button>
  );
}
