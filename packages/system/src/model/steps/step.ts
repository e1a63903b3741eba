import fc from 'fast-check'
import type { ModelConversation, ModelMessage } from '../model-conversation.ts'
import type { ModelTalk } from '../model-talk.ts'
import type { RealTalk, RealUser } from '../real-talk.ts'

/** What a step does it to: numbers that are places among what there is by then. */
export interface Choice {
  readonly user: number
  readonly door: number
  readonly conversation: number
  readonly message: number
  readonly other: number
  readonly number: number
  readonly flag: boolean
}

/** Who and what is chosen, and both sides of it. */
export interface Scene {
  readonly model: ModelTalk
  readonly real: RealTalk
  readonly choice: Choice
  readonly user: RealUser
  readonly other: RealUser
  readonly conversation: ModelConversation
  /** Sometimes one of another conversation, or one that never was. */
  readonly messageId: string
  readonly message: ModelMessage | undefined
}

export type Play = (scene: Scene) => Promise<void>

class Step implements fc.AsyncCommand<ModelTalk, RealTalk> {
  readonly #name: string
  readonly #play: Play
  readonly #choice: Choice

  constructor(name: string, play: Play, choice: Choice) {
    this.#name = name
    this.#play = play
    this.#choice = choice
  }

  check(): boolean {
    return true
  }

  async run(model: ModelTalk, real: RealTalk): Promise<void> {
    const choice = this.#choice
    const conversations = model.conversations.toSorted((a, b) => (a.id < b.id ? -1 : 1))
    const conversation = conversations[choice.conversation % conversations.length]!
    const ids = choice.number % 8 === 0 ? model.sentIds : conversation.messages.map(({ id }) => id)
    const messageId = ids[ids.length - 1 - (choice.message % Math.max(1, ids.length))] ?? NEVER_SENT
    // Mostly members, so that there is something to be done.
    const members = real.users.filter(({ id }) => conversation.member(id) !== undefined)
    const among = choice.number % 5 === 0 || members.length === 0 ? real.users : members
    await this.#play({
      model,
      real,
      choice,
      user: among[choice.user % among.length]!,
      other: among[choice.other % among.length]!,
      conversation,
      messageId,
      message: conversation.messages.find(({ id }) => id === messageId),
    })
  }

  toString(): string {
    return this.#name
  }
}

const NEVER_SENT = '01890000-0000-7000-8000-000000000000'

const choices: fc.Arbitrary<Choice> = fc.record({
  user: fc.nat(4),
  door: fc.nat(2),
  conversation: fc.nat(1),
  message: fc.nat(9),
  other: fc.nat(4),
  number: fc.nat(100),
  flag: fc.boolean(),
})

export const step = (name: string, play: Play): fc.Arbitrary<fc.AsyncCommand<ModelTalk, RealTalk>> =>
  choices.map((choice) => new Step(name, play, choice))
