import type { RetentionRules } from '@parley/contracts'
import { repeat, type Clock, type Logger } from '@parley/runtime'
import { expiredAt, firstRules, periodsOf, type Kept } from './domain/periods.ts'
import { readRetentionRules, writeRetentionRules } from './store/retention-rules.ts'
import type { Db } from './store/tables.ts'

/** How long messages are kept. Older ones are hidden from every read at once, whenever they are physically gone. */
export interface Retention {
  /** In force now. */
  readonly rules: RetentionRules
  now(): Date
  /** Messages of such a conversation that were created at or before this moment have expired. */
  keptSince(conversation: Kept): Date
  /** The same for the files that are part of them. */
  filesKeptSince(conversation: Kept): Date
  messageDays(conversation: Kept): number
}

export interface OpenRetention extends Retention, AsyncDisposable {
  /** In force from now on, here at once and in other instances soon, unless later ones are. */
  setRules(rules: RetentionRules): Promise<void>
}

const READ_EVERY_MS = 1_000

export async function openRetention(options: { db: Db; clock: Clock; log: Logger }): Promise<OpenRetention> {
  const { db, clock, log } = options
  let rules = (await readRetentionRules(db)) ?? firstRules

  async function readAgain(): Promise<void> {
    const read = await readRetentionRules(db)
    // What was read first may arrive last.
    if (read !== undefined && read.revision >= rules.revision) rules = read
  }

  const reading = repeat('read-retention-rules', { everyMs: READ_EVERY_MS, log }, readAgain)
  return {
    ...retentionBy(() => rules, clock),
    get rules() {
      return rules
    },
    async setRules(asked) {
      await writeRetentionRules(db, asked)
      await readAgain()
    },
    [Symbol.asyncDispose]: () => reading[Symbol.asyncDispose](),
  }
}

export function retentionBy(rules: () => RetentionRules, clock: Clock): Retention {
  return {
    get rules() {
      return rules()
    },
    now: () => clock.now(),
    keptSince: (conversation) => expiredAt(clock.now(), periodsOf(rules(), conversation).messageDays),
    filesKeptSince: (conversation) => expiredAt(clock.now(), periodsOf(rules(), conversation).fileDays),
    messageDays: (conversation) => periodsOf(rules(), conversation).messageDays,
  }
}
