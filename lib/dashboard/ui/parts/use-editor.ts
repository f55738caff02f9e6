import type { HealthApi } from '../../panels/health/query.js';
import { clientOf } from '../client.js';
import { useLoad } from './use-load.js';

const healthApi = clientOf<HealthApi>();

/** How links to the application's source look; null until that is known, and where there are none. */
export function useEditor(): string | null | undefined {
  const { data } = useLoad('editor', (signal) => healthApi.get('health', {}, signal));
  return data ? data.editor : null;
}
