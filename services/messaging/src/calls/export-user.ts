import type { Handler } from '@parley/bus'
import { refuse, type messaging } from '@parley/contracts'
import { isUnavailable } from '@parley/postgres'
import { readExportPlace, writeExportPlace } from '../domain/export-place.ts'
import { exportedRecords, type ExportedRecord } from '../export/exported-records.ts'
import type { Retention } from '../retention.ts'
import type { Db } from '../store/tables.ts'

const PAGE_BYTES = 400 * 1024
/** How long one page takes, about: there may be much to look through in which nothing is theirs. */
const PAGE_MS = 3_000

export function exportUser(parts: {
  db: Db
  retention: Retention
}): Handler<(typeof messaging)['calls']['exportUser']> {
  return async ({ userId, cursor }) => {
    const endsAt = performance.now() + PAGE_MS
    const records: ExportedRecord[] = []
    let bytes = 0
    let place = readExportPlace(cursor)
    try {
      for await (const part of exportedRecords({ ...parts, userId }, place)) {
        bytes += Buffer.byteLength(JSON.stringify(part.records))
        if (bytes > PAGE_BYTES && records.length > 0) return { records, files: [], cursor: writeExportPlace(place) }
        records.push(...part.records)
        place = part.place
        if (performance.now() >= endsAt) return { records, files: [], cursor: writeExportPlace(place) }
      }
      return { records, files: [], cursor: null }
    } catch (error) {
      if (isUnavailable(error)) throw refuse.unavailable()
      throw error
    }
  }
}
