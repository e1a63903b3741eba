import type { Conversation, Member, Message } from '@parley/protocol'
import type { Retention } from '../src/retention.ts'
import type { Db } from '../src/store/tables.ts'
import { answerSync, type SyncAnswer } from '../src/sync/answer-sync.ts'

interface Kept {
  version: number
  conversation: Conversation
  /** Not all that came before: it was told to reload. */
  partly: boolean
  readonly messages: Map<string, Message>
  readonly members: Map<string, Member>
}

/** What a client keeps that follows the rules of `Sync` and no others. */
export class SyncClient {
  readonly kept = new Map<string, Kept>()
  readonly userId: string
  since: string | null = null
  /** It may have more conversations than a request takes. */
  namesAtMost = 500
  /** The conversation that came last. */
  lastTold: string | undefined

  constructor(userId: string) {
    this.userId = userId
  }

  /** Asks until there is no more; the answers. */
  async catchUp(db: Db, retention: Retention, between?: () => Promise<void>): Promise<SyncAnswer[]> {
    const answers: SyncAnswer[] = []
    let told: SyncAnswer['told'] = null
    for (;;) {
      const all = [...this.kept].map(([id, { version }]) => ({ id, version }))
      const conversations = all.slice(0, this.namesAtMost)
      const answer = await answerSync(db, retention, { userId: this.userId, conversations, since: this.since, told })
      answers.push(answer)
      this.#apply(answer)
      told = answer.told
      if (!answer.hasMore) return answers
      await between?.()
      if (answers.length > 500) throw new Error('it does not end')
    }
  }

  /** As if it had last asked so much earlier. */
  age(seconds: number): void {
    if (this.since !== null) this.since = new Date(Date.parse(this.since) - seconds * 1_000).toISOString()
  }

  #apply(answer: SyncAnswer): void {
    this.since = answer.serverTime
    for (const id of answer.removed) this.kept.delete(id)
    for (const { conversation, messages, members, receipts, to, reload } of answer.conversations) {
      const { id } = conversation
      const known = reload ? undefined : this.kept.get(id)
      this.lastTold = id
      const kept = known ?? { version: to, conversation, partly: reload, messages: new Map(), members: new Map() }
      this.kept.set(id, kept)
      Object.assign(kept, { version: to, conversation })
      for (const message of messages) {
        if ((kept.messages.get(message.id)?.version ?? 0) < message.version) kept.messages.set(message.id, message)
      }
      for (const member of members) kept.members.set(member.userId, member)
      for (const { userId, ...raised } of receipts) {
        const member = kept.members.get(userId)
        if (member !== undefined) kept.members.set(userId, { ...member, ...raised })
      }
    }
  }
}
