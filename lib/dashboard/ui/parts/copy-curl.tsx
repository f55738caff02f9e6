import type { CurlApi } from '../../panels/curl/curl-api.interface.js';
import { clientOf } from '../client.js';
import { CopyButton } from './copy-button.js';

const curlApi = clientOf<CurlApi>();

interface CopyCurlProps {
  readonly of:
    | { readonly traceId: string }
    | { readonly service: string; readonly method: string; readonly route: string };
}

/** Copies a request as a command that sends it again. */
export function CopyCurl({ of }: CopyCurlProps) {
  return (
    <CopyButton text={async () => (await curlApi.get('curl', { ...of })).command}>Copy as curl</CopyButton>
  );
}
