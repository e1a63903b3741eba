import { notify, type Bus } from '@parley/bus'
import { media, type SettledNotice } from '@parley/contracts'
import { uploadOf } from '../store/upload-of.ts'
import type { UploadRow } from '../store/tables.ts'

const encoder = new TextEncoder()

/** The uploader hears of the verdict at once. May be lost: then they ask again. */
export function tellGateways(bus: Bus, row: UploadRow): void {
  const told: SettledNotice = { userId: row.uploadedBy!, upload: uploadOf(row) }
  notify(bus, media.notices.settled, {}, encoder.encode(JSON.stringify(told)))
}
