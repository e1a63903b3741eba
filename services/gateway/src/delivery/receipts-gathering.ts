import type { ReceiptsDelivery } from '@parley/contracts'
import type { HubEvent, Receipt } from '@parley/protocol'
import { encodeInvocation } from '@parley/signalr'
import { Agenda } from '../agenda.ts'
import { highestOf, RecentReceipts } from './recent-receipts.ts'
import { LATEST, type Topics } from './topics.ts'

/** Of one conversation: the highest marks of each user, by user. */
type Gathered = Map<string, Receipt>

/**
 * Tells connections which marks have risen. A user's own are told to the user's other devices at once, and so are those of
 * conversations where two talk; in others they are gathered for as long as `messaging` says, and told together. What is told
 * never goes back, in whatever order it comes.
 */
export class ReceiptsGathering implements Disposable {
  readonly #index: Topics['index']
  /** By topic. */
  readonly #gathered = new Map<string, Gathered>()
  readonly #recent = new RecentReceipts()
  readonly #agenda = new Agenda<string>((topic) => this.#tellGathered(topic))

  constructor(topics: Topics) {
    this.#index = topics.index
    topics.onForgotten((topic) => this.#forget(topic))
  }

  /** Only what is told at once leaves out the connection that knows: what is gathered is of many. */
  receive(delivery: ReceiptsDelivery): void {
    const { topic, receipts, gatherMs } = delivery
    if (receipts.length === 0 || !this.#index.hasTopic(topic)) return
    if (gatherMs === 0 || topic.startsWith('u:')) this.#tell(delivery)
    else this.#gather(topic, receipts, gatherMs)
  }

  [Symbol.dispose](): void {
    this.#agenda[Symbol.dispose]()
    this.#recent[Symbol.dispose]()
    this.#gathered.clear()
  }

  #gather(topic: string, receipts: readonly Receipt[], gatherMs: number): void {
    let gathered = this.#gathered.get(topic)
    if (gathered === undefined) {
      gathered = new Map()
      this.#gathered.set(topic, gathered)
      this.#agenda.schedule(topic, gatherMs)
    }
    for (const receipt of receipts) gathered.set(receipt.userId, highestOf(receipt, gathered.get(receipt.userId)))
  }

  #tellGathered(topic: string): void {
    const receipts = [...(this.#gathered.get(topic)?.values() ?? [])]
    this.#gathered.delete(topic)
    this.#tell({ topic, conversationId: topic.slice('c:'.length), receipts })
  }

  #tell({
    topic,
    conversationId,
    receipts: told,
    exceptConnectionId,
  }: Pick<ReceiptsDelivery, 'topic' | 'conversationId' | 'receipts' | 'exceptConnectionId'>): void {
    const receipts = this.#recent.rising(topic, conversationId, told)
    if (receipts.length === 0) return
    const argument: HubEvent<'ReceiptsUpdated'> = { conversationId, receipts }
    const frame = encodeInvocation('ReceiptsUpdated', [argument])
    const [first, ...others] = receipts
    // The newest of one user says all that an older one said; of several users it may not.
    const isOfOne = first !== undefined && others.length === 0
    const delivery = isOfOne ? { stateKey: `receipts ${conversationId} ${first.userId}` } : 'durable'
    this.#index.forEachAt({ topic, version: LATEST }, (connection) => {
      if (connection.id !== exceptConnectionId) connection.sendFrame(frame, delivery)
    })
  }

  #forget(topic: string): void {
    this.#agenda.cancel(topic)
    this.#gathered.delete(topic)
  }
}
