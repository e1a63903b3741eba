import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { applyEvent } from '../src/state/apply-event.ts'
import { applySync, questionOf, type Asked } from '../src/state/apply-sync.ts'
import { emptyState, hasGap, type ChatEvent, type ChatState } from '../src/state/chat-state.ts'
import { me, ModelConversation, type Happening } from './model-conversation.ts'

const user = fc.nat(3)
const other = fc.integer({ min: 1, max: 3 })
const mentionsMe = fc.boolean()

const talk: fc.Arbitrary<Happening>[] = [
  fc.record({ kind: fc.constant('send' as const), by: user, mentionsMe }),
  fc.record({ kind: fc.constant('send' as const), by: other, mentionsMe }),
  fc.record({ kind: fc.constant('edit' as const), place: fc.nat(20), mentionsMe }),
  fc.constant({ kind: 'rename' as const }),
  fc.record({ kind: fc.constant('expire' as const), count: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ kind: fc.constantFrom('come' as const, 'go' as const, 'promote' as const), user: other }),
  fc.record({ kind: fc.constant('read' as const), user, back: fc.nat(3) }),
]

/** What comes to the client next: a place in what has not been told, a question, or one of the answers on their way. */
type Step =
  | { readonly kind: 'happen'; readonly happening: Happening }
  | { readonly kind: 'event'; readonly place: number }
  | { readonly kind: 'ask' }
  | { readonly kind: 'answer'; readonly place: number; readonly moment: number }

const step = (happenings: fc.Arbitrary<Happening>[]): fc.Arbitrary<Step> =>
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('happen' as const), happening: fc.oneof(...happenings) }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('event' as const), place: fc.nat(40) }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'ask' as const }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('answer' as const), place: fc.nat(5), moment: fc.nat(60) }) },
  )

interface Question {
  readonly asked: Asked
  /** The moment of the conversation at which it was asked: it is worked then, or later. */
  readonly askedAt: number
}

class Client {
  state: ChatState = applyEvent(emptyState, {
    name: 'Welcome',
    payload: { connectionId: '', userId: me, serverTime: new Date(0).toISOString() },
  })
  readonly questions: Question[] = []
  readonly #model: ModelConversation

  constructor(model: ModelConversation) {
    this.#model = model
  }

  hear(event: ChatEvent): void {
    this.state = applyEvent(this.state, event)
  }

  ask(): Question {
    const question = {
      asked: questionOf(this.state, this.state.conversations.keys()),
      askedAt: this.#model.moments - 1,
    }
    this.questions.push(question)
    return question
  }

  answer({ asked, askedAt }: Question, moment: number): void {
    const at = askedAt + (moment % (this.#model.moments - askedAt))
    this.state = applySync(this.state, asked, this.#model.answer(asked, at))
  }

  /** Asks until nothing is missing. */
  catchUp(): void {
    for (let round = 0; round < 3; round++) {
      const { asked } = this.ask()
      this.state = applySync(this.state, asked, this.#model.answer(asked))
    }
  }

  get known() {
    return this.state.conversations.get(this.#model.id)
  }
}

/** What must always be so: all changes up to the cursor are in, but of messages that were left out, of which none is. */
function expectNoGap(client: Client, model: ModelConversation): void {
  const { known } = client
  if (known === undefined) return
  expect(known.version).toBeLessThanOrEqual(known.heard)
  const from = Math.max(known.basis.wholeFrom, known.conversation.firstKeptSequence)
  expect(known.messages.filter(({ sequence }) => sequence < from)).toEqual([])
  for (const event of model.events) {
    if (event.name !== 'MessageCreated' && event.name !== 'MessageUpdated') continue
    const { sequence, version } = event.payload
    if (version > known.version || version <= known.basis.wholeTo || version <= known.basis.origin) continue
    if (sequence < from) continue
    expect(known.messages.find((message) => message.sequence === sequence)?.version ?? 0).toBeGreaterThanOrEqual(
      version,
    )
  }
}

function expectAsFresh(client: Client, model: ModelConversation): void {
  const { known } = client
  expect(known === undefined).toBe(!model.isMine)
  if (known === undefined) return
  const fresh = new Client(model)
  fresh.catchUp()
  const expected = fresh.known!
  expect(hasGap(known)).toBe(false)
  expect(known.version).toBe(model.now.version)
  const { me: own, ...conversation } = model.conversation()
  expect(known.conversation).toMatchObject({ ...conversation, version: known.conversation.version })
  const { mentionCount, ...counted } = own!
  expect(known.conversation.me).toMatchObject(counted)
  const floor = Math.max(counted.readSequence, counted.joinedSequence, conversation.firstKeptSequence - 1)
  const isAllUnreadHere = known.messages.filter(({ sequence }) => sequence > floor).length === counted.unreadCount
  if (isAllUnreadHere) expect(known.conversation.me!.mentionCount).toBe(mentionCount)
  expect(known.receipts).toEqual(expected.receipts)
  for (const [userId, { version: _, ...member }] of known.members) {
    expect(model.now.members.get(userId)).toMatchObject(member)
  }
  for (const { userId, leftAt } of model.now.members.values()) {
    if (leftAt === null) expect(known.members.has(userId)).toBe(true)
  }
  // What is here is as it is there, and all of it is here from the first on.
  const { sequence: joined } = model.now.joined
  for (const message of known.messages) {
    expect(message).toEqual(model.now.messages[message.sequence - 1])
    expect(message.sequence).toBeGreaterThan(joined)
  }
  const visible = model.now.messages.filter(({ sequence }) => sequence > joined && sequence >= model.now.firstKept)
  expect(known.messages.slice(-3)).toEqual(visible.slice(-3))
}

describe('a state', () => {
  test('ends as it is on the server, in whatever order events and answers come, doubled and late ones too', () => {
    fc.assert(
      fc.property(fc.array(step(talk), { maxLength: 60 }), (steps) => {
        const model = new ModelConversation()
        const client = new Client(model)
        for (const one of steps) {
          if (one.kind === 'happen') model.happen(one.happening)
          const event = one.kind === 'event' ? model.events[one.place % model.events.length] : undefined
          if (event !== undefined) client.hear(event)
          if (one.kind === 'ask') client.ask()
          const question = one.kind === 'answer' ? client.questions[one.place % client.questions.length] : undefined
          if (question !== undefined && one.kind === 'answer') client.answer(question, one.moment)
          expectNoGap(client, model)
        }
        client.catchUp()
        expectNoGap(client, model)
        expectAsFresh(client, model)
      }),
      { numRuns: 2_000 },
    )
  })

  test('and the events of a connection, in any order and doubled, is as a fresh one', () => {
    const arbitrary = fc.record({
      before: fc.array(fc.oneof(...talk), { maxLength: 4 }),
      after: fc.array(fc.oneof(...talk), { maxLength: 30 }),
      order: fc.infiniteStream(fc.nat()),
      // The answer that brings the conversation comes after so many events, and was read before so many.
      overtaken: fc.nat(10),
    })
    fc.assert(
      fc.property(arbitrary, ({ before, after, order, overtaken }) => {
        const model = new ModelConversation()
        for (const happening of before) model.happen(happening)
        const client = new Client(model)
        const question = client.ask()
        const told = model.events.length
        for (const happening of after) model.happen(happening)
        const events = model.events.slice(told)
        const heard = [...events, ...events].toSorted(() => (order.next().value! % 3) - 1)
        for (const event of heard.slice(0, overtaken)) client.hear(event)
        client.answer(question, overtaken)
        for (const event of heard.slice(overtaken)) client.hear(event)
        expectNoGap(client, model)
        expectAsFresh(client, model)
      }),
      { numRuns: 2_000 },
    )
  })

  test('has exactly what is the user’s, however often they leave and come back while answers are on their way', () => {
    const coming = fc.record({ kind: fc.constantFrom('come' as const, 'go' as const), user: fc.constant(0) })
    fc.assert(
      fc.property(fc.array(step([...talk, coming, coming]), { maxLength: 80 }), (steps) => {
        const model = new ModelConversation()
        const client = new Client(model)
        client.catchUp()
        let told = 0
        const hear = (count: number) => {
          for (const event of model.events.slice(told, told + count)) client.hear(event)
          told = Math.min(model.events.length, told + count)
        }
        for (const one of steps) {
          if (one.kind === 'happen') model.happen(one.happening)
          if (one.kind === 'event') hear(one.place % 4)
          if (one.kind === 'ask') client.ask()
          const question = one.kind === 'answer' ? client.questions[one.place % client.questions.length] : undefined
          if (question !== undefined && one.kind === 'answer') client.answer(question, one.moment)
          expectNoGap(client, model)
        }
        hear(model.events.length)
        for (const [place, question] of client.questions.entries()) client.answer(question, place)
        // Already now, before the client asks again.
        expect(client.known === undefined).toBe(!model.isMine)
        for (const { sequence } of client.known?.messages ?? []) {
          expect(sequence).toBeGreaterThan(model.now.joined.sequence)
        }
        client.catchUp()
        expectAsFresh(client, model)
      }),
      { numRuns: 2_000 },
    )
  })
})
