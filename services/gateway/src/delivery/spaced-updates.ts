import type { Delivery } from '@parley/contracts'
import { limits, type Conversation } from '@parley/protocol'
import { Agenda } from '../agenda.ts'

const SPACE_MS = 1_000

/** A conversation that was told less than a second ago. */
interface Space {
  /** Told when the second is over. */
  waiting: Delivery | undefined
  /** What has been told since, of its messages. */
  version: number
  lastSequence: number
}

/**
 * Large conversations change as often as members are added. Each of them is told at most once a second, in its newest state;
 * everything else is told at once. The rule: **nobody is told a state that is older than what they have been told.** So a
 * message that is told while a state waits brings that state level: its version and last sequence are all that a message
 * changes in its conversation. Any other change is told after the state that waits, which then does not wait any longer.
 */
export class SpacedUpdates implements Disposable {
  readonly #tell: (delivery: Delivery) => void
  readonly #spaces = new Map<string, Space>()
  readonly #agenda = new Agenda<string>((topic) => this.#end(topic))

  constructor(tell: (delivery: Delivery) => void) {
    this.#tell = tell
  }

  /** The next change of a topic. */
  receive(delivery: Delivery): void {
    const { topic, version, sequence = 0 } = delivery
    if (isOfLargeConversation(delivery)) {
      const space = this.#spaces.get(topic)
      if (space === undefined) this.#begin(delivery)
      else Object.assign(space, { waiting: delivery, version, lastSequence: 0 })
      return
    }
    const space = this.#spaces.size === 0 ? undefined : this.#spaces.get(topic)
    if (space?.waiting !== undefined) {
      if (isOfMessage(delivery)) {
        space.version = version
        space.lastSequence = Math.max(space.lastSequence, sequence)
      } else this.#tellWaiting(space)
    }
    this.#tell(delivery)
  }

  /** Nobody hears the topic any more, or all who do will fetch what it says. */
  forget(topic: string): void {
    this.#agenda.cancel(topic)
    this.#spaces.delete(topic)
  }

  [Symbol.dispose](): void {
    this.#agenda[Symbol.dispose]()
    this.#spaces.clear()
  }

  #begin(delivery: Delivery): void {
    this.#spaces.set(delivery.topic, { waiting: undefined, version: 0, lastSequence: 0 })
    this.#agenda.schedule(delivery.topic, SPACE_MS)
    this.#tell(delivery)
  }

  #end(topic: string): void {
    const space = this.#spaces.get(topic)
    if (space?.waiting === undefined) {
      this.#spaces.delete(topic)
      return
    }
    this.#agenda.schedule(topic, SPACE_MS)
    this.#tellWaiting(space)
  }

  #tellWaiting(space: Space): void {
    const { waiting, version, lastSequence } = space
    if (waiting === undefined) return
    space.waiting = undefined
    this.#tell(version === waiting.version ? waiting : broughtLevel(waiting, { version, lastSequence }))
  }
}

const isOfMessage = ({ event }: Delivery): boolean => event === 'MessageCreated' || event === 'MessageUpdated'

/** Only in large conversations does one update stand for several versions. */
function isOfLargeConversation(delivery: Delivery): boolean {
  if (delivery.event !== 'ConversationUpdated' || !delivery.topic.startsWith('c:')) return false
  return delivery.afterVersion !== undefined || conversationOf(delivery).memberCount > limits.toldMembers
}

function broughtLevel(
  delivery: Delivery,
  { version, lastSequence }: { version: number; lastSequence: number },
): Delivery {
  const conversation = conversationOf(delivery)
  const level = { ...conversation, version, lastSequence: Math.max(conversation.lastSequence, lastSequence) }
  return { ...delivery, version, argument: encoder.encode(JSON.stringify(level)) }
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

const conversationOf = ({ argument }: Delivery): Conversation => JSON.parse(decoder.decode(argument)) as Conversation
