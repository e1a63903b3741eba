import { openRest, type Rest } from '@parley/client'
import type { AuditEntry, Erasure, Export, Run, RunKind } from '@parley/protocol'
import { vi } from 'vitest'
import { signIn } from './participant.ts'

/** What an administrator does, by REST. */
export interface Administrator extends Rest {
  readonly userId: string
  /** Has a run done, and answers how it ended. */
  run(kind: RunKind): Promise<Run>
  /** Erases a user, and answers when it is done. */
  erase(userId: string): Promise<Erasure>
  /** Exports a user, and answers when the ZIP is there. */
  export(userId: string): Promise<Export>
  /** The newest entries of the audit log with this action. */
  audited(action: string): Promise<AuditEntry[]>
}

const PATIENCE = { timeout: 90_000, interval: 200 }

export async function administer(gatewayUrl: string): Promise<Administrator> {
  const { accessToken, user } = await signIn(gatewayUrl, 'administrator', { admin: true })
  const rest = openRest({ url: gatewayUrl, accessToken })
  return {
    ...rest,
    userId: user.id,
    async run(kind) {
      const { requestedAt } = await rest.perform('StartRun', { kind })
      return vi.waitUntil(async () => {
        const { runs } = await rest.perform('ListRuns', { kind, limit: 5 })
        return runs.findLast(({ startedAt, endedAt }) => startedAt >= requestedAt && endedAt !== null)
      }, PATIENCE)
    },
    async erase(userId) {
      await rest.perform('EraseUser', { userId, reason: 'asked for it' })
      return vi.waitUntil(async () => {
        const erasure = await rest.perform('GetErasure', { userId })
        return erasure.state === 'done' ? erasure : undefined
      }, PATIENCE)
    },
    async export(userId) {
      await rest.perform('ExportUser', { userId })
      return vi.waitUntil(async () => {
        const exported = await rest.perform('GetExport', { userId })
        return exported.state === 'ready' ? exported : undefined
      }, PATIENCE)
    },
    async audited(action) {
      const { entries } = await rest.perform('ListAuditEntries', { action })
      return entries
    },
  }
}
