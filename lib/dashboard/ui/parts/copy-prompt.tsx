import type { PromptApi } from '../../panels/prompt/prompt-api.interface.js';
import { clientOf } from '../client.js';
import { CopyButton } from './copy-button.js';

const promptApi = clientOf<PromptApi>();

interface CopyPromptProps {
  readonly of:
    | { readonly traceId: string }
    | {
        readonly service: string;
        readonly fingerprint: string;
        readonly span: { readonly from: number; readonly to: number };
      };
}

/** Copies a trace or an error as Markdown, for a coding agent or a colleague. */
export function CopyPrompt({ of }: CopyPromptProps) {
  const read = async (): Promise<string> => {
    if ('traceId' in of) return (await promptApi.get('prompt/traces/:traceId', of)).markdown;
    const {
      service,
      fingerprint,
      span: { from, to },
    } = of;
    const address = 'prompt/errors/:service/:fingerprint';
    return (await promptApi.get(address, { service, fingerprint, from, to })).markdown;
  };
  return <CopyButton text={read}>Copy as prompt</CopyButton>;
}
