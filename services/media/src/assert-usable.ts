import { refuse } from '@parley/contracts'
import type { UploadRow } from './store/tables.ts'

/** Throws the refusal that says why an upload cannot be used, unless it is ready. */
export function assertUsable({ state, rejectedReason }: UploadRow): void {
  if (state === 'deleted') throw refuse.upload_not_found()
  if (rejectedReason !== null) throw refuse.upload_rejected({ reason: rejectedReason })
  if (state !== 'ready') throw refuse.upload_not_received()
}
