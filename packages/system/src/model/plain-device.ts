import { operations, type HubEventName, hubEvents } from '@parley/protocol'
import { join, type Participant } from '../participant.ts'
import { tellingOf, type Device, type Hearing } from './device.ts'
import type { ModelTalk } from './model-talk.ts'
import { expectCaughtUp, knowledgeOf, type Knowledge } from './catch-up.ts'
import { expectHeard } from './hearing.ts'

interface Visit extends Hearing {
  readonly participant: Participant
}

/** The official client with nothing on top: it remembers what it was told, and asks for what it has missed. */
export class PlainDevice implements Device {
  readonly name: string
  readonly #url: string
  readonly #userName: string
  readonly #userId: string
  readonly #talk: ModelTalk
  #visit: Visit | undefined
  #knowledge: Knowledge | undefined

  constructor(place: { name: string; url: string; userName: string; userId: string; talk: ModelTalk }) {
    this.name = place.name
    this.#url = place.url
    this.#userName = place.userName
    this.#userId = place.userId
    this.#talk = place.talk
  }

  get isConnected(): boolean {
    return this.#visit !== undefined
  }

  async connect(): Promise<void> {
    const hearing: Hearing = { from: this.#talk.told(this.#userId).length, heard: [] }
    const participant = await join(this.#url, this.#userName, {
      prepare(connection) {
        for (const name of Object.keys(hubEvents) as HubEventName[]) {
          connection.on(name, (payload: object) => {
            const telling = tellingOf(name, payload)
            if (telling !== undefined) hearing.heard.push(telling)
          })
        }
      },
    })
    this.#visit = { ...hearing, participant }
    const knowledge = this.#knowledge
    if (knowledge === undefined) return
    const answer = await this.ask('Sync', { conversations: knowledge.versions, since: knowledge.since })
    expectCaughtUp(this.#talk, this.#userId, { knowledge, answer })
    this.#knowledge = { ...knowledge, since: answer.serverTime }
  }

  async disconnect(): Promise<void> {
    const visit = this.#visit
    if (visit === undefined) return
    this.#knowledge = { ...knowledgeOf(this.#talk, this.#userId), since: this.#knowledge?.since ?? null }
    await this.close()
    expectHeard(visit, this.#talk.told(this.#userId), { isComplete: false })
  }

  async close(): Promise<void> {
    const visit = this.#visit
    this.#visit = undefined
    await visit?.participant.connection.stop()
  }

  /** Throws while not everything was heard. */
  expectComplete(): void {
    if (this.#visit !== undefined) expectHeard(this.#visit, this.#talk.told(this.#userId), { isComplete: true })
  }

  ask: Device['ask'] = (name, input) => this.#participant.invoke(operations[name].hub, input)

  send: Device['send'] = (input) => this.ask('SendMessage', input)

  markDelivered(conversationId: string, sequence: number): Promise<unknown> {
    return this.#participant.invoke('MarkDelivered', { conversationId, sequence })
  }

  async markRead(conversationId: string, sequence: number): Promise<void> {
    await this.#participant.invoke('MarkRead', { conversationId, sequence })
  }

  get #participant(): Participant {
    if (this.#visit === undefined) throw new Error(`${this.name} is not connected`)
    return this.#visit.participant
  }
}
