import { setTimeout as delay } from 'node:timers/promises'
import { HubConnectionState, type HubConnection } from '@microsoft/signalr'
import type { OutputOf, Sync } from '@parley/protocol'
import type { Screen } from './screen.ts'

const PAUSE_MS = 100

type SyncAnswer = OutputOf<typeof Sync>

/** Asks `Sync` until it has answered, one round at a time, and anew if conversations came or went meanwhile. */
export class CatchingUp {
  readonly #connection: HubConnection
  readonly #screen: Screen
  #since: string | null = null
  #wanted = false
  #isRunning = false
  #disturbances = 0

  constructor(connection: HubConnection, screen: Screen) {
    this.#connection = connection
    this.#screen = screen
  }

  get isBusy(): boolean {
    return this.#isRunning
  }

  begin(): void {
    this.#wanted = true
    if (!this.#isRunning) void this.#run()
  }

  /** What is being answered may have been true before this. */
  disturb(): void {
    this.#disturbances += 1
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    while (this.#wanted && this.#connection.state !== HubConnectionState.Disconnected) {
      this.#wanted = false
      try {
        await this.#ask()
      } catch {
        this.#wanted = true
        await delay(PAUSE_MS)
      }
    }
    this.#isRunning = false
  }

  async #ask(): Promise<void> {
    const before = this.#disturbances
    let [since, cursor]: [string | null, string | null] = [this.#since, null]
    for (let hasMore = true; hasMore;) {
      const input = { conversations: this.#screen.cursors, since, cursor }
      const answer: SyncAnswer = await this.#connection.invoke('Sync', input)
      if (this.#disturbances !== before) throw new Error('conversations came or went meanwhile')
      for (const conversationId of answer.removed) this.#screen.close(conversationId)
      for (const conversation of answer.conversations) this.#screen.synced(conversation)
      since = answer.serverTime
      cursor = answer.nextCursor
      hasMore = answer.hasMore
    }
    this.#since = since
  }
}
