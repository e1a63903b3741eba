import { sql } from 'kysely'

/**
 * What an upload becomes that is deleted: gone for everybody from now on, and soon from the bucket. How it was called and what
 * was found in it is forgotten at once.
 */
export const asDeleted = () => ({
  state: 'deleted' as const,
  deletedAt: sql<Date>`clock_timestamp()`,
  name: '',
  checkedEtag: null,
  width: null,
  height: null,
  blurhash: null,
  durationMs: null,
  pages: null,
})
