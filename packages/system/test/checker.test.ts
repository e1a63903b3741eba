import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { check, type InvariantName } from '../src/history/check.ts'
import { plainEvidence, rightEvidence, type Falsifiable } from './right-evidence.ts'

const failing = (evidence: Falsifiable) => Object.keys(check(evidence))

describe('what an ideal server leaves behind', () => {
  test('breaks no invariant, whatever its clients did', () => {
    fc.assert(
      fc.property(rightEvidence, (evidence) => {
        expect(check(evidence)).toEqual({})
      }),
    )
  })

  test('breaks no invariant in the case that the falsifications start from', () => {
    expect(check(plainEvidence())).toEqual({})
  })
})

/** Conversation 0 has an edited message, a deleted one, and marks; conversation 1 has nine messages and nothing else. */
const MARKED = 'conversation 0'
const PLAIN = 'conversation 1'

const falsifications: [what: string, breaks: InvariantName[], falsify: (evidence: Falsifiable) => void][] = [
  [
    'the last message of a conversation, which was acknowledged, is in no store any more',
    ['I1 no loss'],
    (evidence) => {
      historyOf(evidence).pop()
      for (const messages of everyList(evidence)) messages.pop()
      evidence.database.messages = evidence.database.messages.filter((row) => !isAt(row, 9))
      const conversation = evidence.database.conversations.find(({ id }) => id === PLAIN)!
      conversation.lastSequence = 8
      const [, , member] = membersOf(evidence)
      member!.deliveredSequence = member!.readSequence = 6
    },
  ],
  [
    'the row of an acknowledged message is deleted',
    ['I1 no loss', 'I4 gapless'],
    (evidence) => {
      evidence.database.messages = evidence.database.messages.filter((row) => !isAt(row, 4))
    },
  ],
  [
    'the row of a message that nobody was answered for is deleted',
    ['I4 gapless'],
    (evidence) => {
      attemptAt(evidence, 4).outcome = { kind: 'unknown' }
      evidence.database.messages = evidence.database.messages.filter((row) => !isAt(row, 4))
    },
  ],
  [
    'a message is there that nobody sent',
    ['I2 no invention'],
    (evidence) => {
      const invented = { ...historyOf(evidence)[8]!, id: 'message 99', sequence: 10, version: 10 }
      historyOf(evidence).push(invented)
      for (const messages of everyList(evidence)) messages.push(invented)
      evidence.database.messages.push({ ...invented, isDeleted: false })
      evidence.database.conversations.find(({ id }) => id === PLAIN)!.lastSequence = 10
      const [, , member] = membersOf(evidence)
      member!.deliveredSequence = member!.readSequence = 10
    },
  ],
  [
    'a message says something else than what was sent',
    ['I2 no invention'],
    (evidence) => {
      for (const message of everywhere(evidence, 4)) message.text = 'something else'
    },
  ],
  [
    'a message is said to be of somebody else in what one session hears',
    ['I2 no invention'],
    ({ recording }) => {
      recording.sessions[0]!.connections[0]!.heard[0]!.message.senderId = 'user 2'
    },
  ],
  [
    'two attempts with one id are acknowledged differently',
    ['I3 once'],
    (evidence) => {
      const attempt = structuredClone(attemptAt(evidence, 4))
      if (attempt.outcome.kind === 'ok') attempt.outcome.answer.createdAt = new Date(0).toISOString()
      evidence.recording.sends.push(attempt)
    },
  ],
  [
    'history has a message at another time than its acknowledgement said',
    ['I3 once'],
    (evidence) => {
      for (const message of everywhere(evidence, 4)) message.createdAt = new Date(0).toISOString()
    },
  ],
  [
    'a message that nobody was answered for is stored twice',
    ['I3 once', 'I8 unacknowledged', 'I10 convergence'],
    (evidence) => {
      attemptAt(evidence, 9).outcome = { kind: 'unknown' }
      const again = { ...historyOf(evidence)[8]!, sequence: 10 }
      historyOf(evidence).push(again)
      for (const messages of everyList(evidence)) messages.push(again)
      evidence.database.messages.push({ ...again, isDeleted: false })
      evidence.database.conversations.find(({ id }) => id === PLAIN)!.lastSequence = 10
      const [, , member] = membersOf(evidence)
      member!.deliveredSequence = member!.readSequence = 10
    },
  ],
  [
    'a conversation counts one message more than it has',
    ['I4 gapless'],
    ({ database }) => {
      database.conversations.find(({ id }) => id === PLAIN)!.lastSequence += 1
    },
  ],
  [
    'two messages have one sequence in the database',
    ['I4 gapless'],
    ({ database }) => {
      database.messages.find((row) => isAt(row, 4))!.sequence = 3
    },
  ],
  [
    'history leaves out a message that nobody was answered for, and so do all clients',
    ['I4 gapless'],
    (evidence) => {
      attemptAt(evidence, 4).outcome = { kind: 'unknown' }
      historyOf(evidence).splice(3, 1)
      for (const messages of everyList(evidence)) messages.splice(3, 1)
    },
  ],
  [
    'two messages have each the sequence of the other in every store',
    ['I3 once', 'I5 real-time order'],
    (evidence) => {
      const [former, latter] = [everywhere(evidence, 4), everywhere(evidence, 5)]
      for (const message of former) message.sequence = 5
      for (const message of latter) message.sequence = 4
      for (const messages of [historyOf(evidence), ...everyList(evidence)]) {
        messages.sort((a, b) => a.sequence - b.sequence)
      }
    },
  ],
  [
    'a message was sent after the next one had been acknowledged',
    ['I5 real-time order'],
    (evidence) => {
      const [former, latter] = [attemptAt(evidence, 4), attemptAt(evidence, 5)]
      const { invokedAt, endedAt } = former
      Object.assign(former, { invokedAt: latter.invokedAt, endedAt: latter.endedAt })
      Object.assign(latter, { invokedAt, endedAt })
    },
  ],
  [
    'two messages that a device sent without waiting have changed places',
    ['I5 real-time order'],
    (evidence) => {
      const [former, latter] = [attemptAt(evidence, 4), attemptAt(evidence, 7)]
      expect(former.sessionId).toBe(latter.sessionId)
      former.endedAt = latter.endedAt
      latter.invokedAt = former.invokedAt
      const { sends } = evidence.recording
      const [at, then] = [sends.indexOf(former), sends.indexOf(latter)]
      sends[at] = latter
      sends[then] = former
    },
  ],
  [
    'a message comes twice on one connection',
    ['I6 delivery'],
    ({ recording }) => {
      const { heard } = recording.sessions[1]!.connections[0]!
      heard.splice(5, 0, structuredClone(heard[4]!))
    },
  ],
  [
    'the last message does not come',
    ['I6 delivery'],
    ({ recording }) => {
      recording.sessions[1]!.connections[0]!.heard.pop()
    },
  ],
  [
    'two messages come in the wrong order',
    ['I6 delivery'],
    ({ recording }) => {
      const { heard } = recording.sessions[1]!.connections[0]!
      const [former, , latter] = heard.splice(4, 3)
      expect(former!.message.conversationId).toBe(latter!.message.conversationId)
      heard.splice(4, 0, latter!, former!)
    },
  ],
  [
    'a message comes after five seconds',
    ['I6 delivery'],
    ({ recording }) => {
      const last = recording.sessions[1]!.connections[0]!.heard.at(-1)!
      last.at += 5_000
    },
  ],
  [
    'a message comes 40 seconds after the server was whole again',
    ['I6 delivery'],
    ({ recording }) => {
      const last = recording.sessions[1]!.connections[0]!.heard.at(-1)!
      recording.faults.push({ name: 'killed', beganAt: last.at - 10, healedAt: last.at })
      last.at += 40_000
    },
  ],
  [
    'a change of a message comes twice on one connection',
    ['I6 delivery'],
    ({ recording }) => {
      const { heard } = recording.sessions[1]!.connections[0]!
      heard.push(structuredClone(heard.findLast(({ event }) => event === 'MessageUpdated')!))
    },
  ],
  [
    'a session does not show the last message',
    ['I7 catch-up', 'fresh state'],
    (evidence) => {
      allShown(evidence)[1]!.messages.pop()
    },
  ],
  [
    'a session has a hole in what it shows',
    ['I7 catch-up', 'fresh state'],
    (evidence) => {
      allShown(evidence)[1]!.messages.splice(3, 1)
    },
  ],
  [
    'a session shows a message twice',
    ['I7 catch-up', 'fresh state'],
    (evidence) => {
      const { messages } = allShown(evidence)[1]!
      messages.splice(3, 0, messages[3]!)
    },
  ],
  [
    'what was refused is stored',
    ['I8 unacknowledged'],
    (evidence) => {
      attemptAt(evidence, 4).outcome = { kind: 'refused', code: 'not_a_member' }
    },
  ],
  [
    'a receipt goes back, as one session is told',
    ['I9 receipts'],
    ({ recording }) => {
      const { watermarks } = recording.sessions[0]!
      watermarks.push({ ...watermarks.at(-1)!, sequence: watermarks.at(-1)!.sequence - 1 }, watermarks.at(-1)!)
    },
  ],
  [
    'a receipt is of a message that is not there yet',
    ['I9 receipts'],
    ({ recording }) => {
      recording.sessions[0]!.watermarks.at(-1)!.sequence += 10
    },
  ],
  [
    'a receipt that was acknowledged is not stored',
    ['I9 receipts'],
    ({ database }) => {
      const member = database.members.find((one) => one.conversationId === MARKED && one.userId === 'user 2')!
      member.readSequence -= 1
    },
  ],
  [
    'a receipt is stored that nobody gave',
    ['I9 receipts'],
    (evidence) => {
      membersOf(evidence)[0]!.deliveredSequence += 1
    },
  ],
  [
    'a session is not told of the last receipt',
    ['I9 receipts'],
    ({ recording }) => {
      recording.sessions[0]!.watermarks.pop()
    },
  ],
  [
    'an edit has not reached one session',
    ['I10 convergence', 'fresh state'],
    (evidence) => {
      const edited = shownIn(evidence, MARKED)[1]!.messages.find(({ editedAt }) => editedAt !== null)!
      Object.assign(edited, { text: edited.text.replace(', changed', ''), editedAt: null, version: 1 })
    },
  ],
  [
    'an edit that was acknowledged has changed nothing',
    ['I10 convergence'],
    (evidence) => {
      const edited = evidence.recording.changes.find(({ text }) => text !== null)!
      for (const message of everyState(evidence, edited.messageId)) {
        message.text = message.text.replace(', changed', '')
      }
    },
  ],
  [
    'the body of a deleted message is still in the database',
    ['I10 convergence'],
    (evidence) => {
      const { messageId } = deletionIn(evidence)
      const { text } = evidence.recording.sends.find((send) => send.messageId === messageId)!
      evidence.database.messages.find(({ id }) => id === messageId)!.text = text
    },
  ],
  [
    'the body of a deleted message is told after its deletion',
    ['I10 convergence'],
    (evidence) => {
      const { messageId, endedAt } = deletionIn(evidence)
      const { heard } = evidence.recording.sessions[0]!.connections[0]!
      const { message } = heard.find((one) => one.message.id === messageId)!
      heard.push({ at: endedAt! + 3_000, event: 'MessageUpdated', message: { ...message, version: 99 } })
    },
  ],
  [
    'a message that was deleted with an acknowledgement is there as before',
    ['I10 convergence'],
    (evidence) => {
      const { messageId } = deletionIn(evidence)
      const { text } = evidence.recording.sends.find((send) => send.messageId === messageId)!
      for (const message of everyState(evidence, messageId)) Object.assign(message, { text, deletedAt: null })
      evidence.database.messages.find(({ id }) => id === messageId)!.isDeleted = false
    },
  ],
  [
    'a reaction that was acknowledged is nowhere',
    ['I10 convergence'],
    (evidence) => {
      const { messageId } = evidence.recording.reactions[0]!
      for (const message of everyState(evidence, messageId)) Object.assign(message, { reactions: [] })
    },
  ],
  [
    'a conversation has another title than it was given',
    ['I10 convergence'],
    (evidence) => {
      const views = evidence.views.map(({ conversation }) => conversation)
      const shown = shownIn(evidence, MARKED).map(({ conversation }) => conversation!)
      for (const conversation of [...views, ...shown]) conversation.title = null
    },
  ],
  [
    'a session shows an older title',
    ['fresh state'],
    (evidence) => {
      shownIn(evidence, MARKED)[1]!.conversation!.title = null
    },
  ],
  [
    'a session counts a member too few',
    ['fresh state'],
    (evidence) => {
      shownIn(evidence, PLAIN)[1]!.members!.pop()
    },
  ],
  [
    'a session shows the reactions to a message in another order than it reads them anew',
    ['I10 convergence', 'fresh state'],
    (evidence) => {
      const { messageId } = evidence.recording.reactions[0]!
      const { messages } = shownIn(evidence, MARKED)[1]!
      messages.find(({ id }) => id === messageId)!.reactions.unshift({ emoji: '🎉', count: 0, userIds: [] })
    },
  ],
  [
    'somebody got what was said while they were no member',
    ['I12 membership'],
    (evidence) => {
      awayAround(evidence, 9)
      evidence.recording.faults.push({ name: 'killed', beganAt: 0, healedAt: null })
    },
  ],
  [
    'somebody heard a change long after they were removed',
    ['I12 membership'],
    (evidence) => {
      const membership = membershipOf(evidence)
      membership.leavingAt = membership.leftAt = 0
    },
  ],
  [
    'somebody does not show what was said after they were added again',
    ['I7 catch-up', 'I12 membership', 'fresh state'],
    (evidence) => {
      const first = membershipOf(evidence)
      Object.assign(first, { leavingAt: 0, leftAt: 0 })
      evidence.recording.memberships.push({ ...first, askedAt: 1, joinedAt: 1, leavingAt: null, leftAt: null })
      allShown(evidence)[0]!.messages.splice(3, 1)
    },
  ],
  [
    'somebody shows a conversation that they were removed from',
    ['I12 membership'],
    ({ database }) => {
      database.members = database.members.filter(
        ({ conversationId, userId }) => conversationId !== PLAIN || userId !== 'user 0',
      )
    },
  ],
  [
    'somebody does not show a conversation that they are in',
    ['I12 membership'],
    ({ recording }) => {
      recording.sessions[0]!.shown = recording.sessions[0]!.shown.filter((one) => one.conversationId !== PLAIN)
    },
  ],
]

describe('the checker notices', () => {
  test.each(falsifications)('that %s', (_what, breaks, falsify) => {
    const evidence = plainEvidence()
    falsify(evidence)
    expect(failing(evidence)).toEqual(breaks)
  })

  test('every loss of an acknowledged message, whatever else clients did', () => {
    const withLoss = rightEvidence
      .filter((evidence) => acknowledgedIds(evidence).length > 0)
      .chain((evidence) => fc.constantFrom(...acknowledgedIds(evidence)).map((lostId) => ({ evidence, lostId })))
    fc.assert(
      fc.property(withLoss, ({ evidence, lostId }) => {
        for (const [id, messages] of evidence.histories) {
          evidence.histories.set(
            id,
            messages.filter((message) => message.id !== lostId),
          )
        }
        expect(failing(evidence)).toContain('I1 no loss')
      }),
    )
  })
})

test('a message may come late while something is broken, and half a minute longer', () => {
  const evidence = plainEvidence()
  const last = evidence.recording.sessions[1]!.connections[0]!.heard.at(-1)!
  evidence.recording.faults.push({ name: 'killed', beganAt: last.at - 10, healedAt: last.at + 10_000 })
  last.at += 39_000
  expect(check(evidence)).toEqual({})
})

test('who was told to ask for what they missed need not hear it', () => {
  const evidence = plainEvidence()
  const [connection] = evidence.recording.sessions[1]!.connections
  const { message, at } = connection!.heard.pop()!
  connection!.excuses.push({ at, conversationIds: [message.conversationId] })
  expect(check(evidence)).toEqual({})
})

test('who was away need not have heard what was said meanwhile', () => {
  const evidence = plainEvidence()
  const [connection] = evidence.recording.sessions[1]!.connections
  const { at } = connection!.heard.pop()!
  connection!.disconnectedAt = at - 1
  expect(check(evidence)).toEqual({})
})

test('of what was on its way while somebody connected it does not matter how they got it', () => {
  const evidence = plainEvidence()
  const [connection] = evidence.recording.sessions[1]!.connections
  connection!.connectedAt = connection!.heard.at(-1)!.at
  connection!.heard = []
  expect(check(evidence)).toEqual({})
})

function historyOf(evidence: Falsifiable) {
  return evidence.histories.get(PLAIN)!
}

function shownIn({ recording }: Falsifiable, conversationId: string) {
  return recording.sessions.flatMap(({ shown }) => shown).filter((one) => one.conversationId === conversationId)
}

/** The messages as each session shows them, and as each reads them anew. */
const everyList = (evidence: Falsifiable, conversationId = PLAIN) => [
  ...shownIn(evidence, conversationId).map(({ messages }) => messages),
  ...evidence.views.filter(({ conversation }) => conversation.id === conversationId).map(({ messages }) => messages),
]

const allShown = (evidence: Falsifiable) => shownIn(evidence, PLAIN)

const membersOf = ({ database }: Falsifiable) =>
  database.members.filter(({ conversationId }) => conversationId === PLAIN)

const isAt = (message: { conversationId: string; sequence: number }, sequence: number) =>
  message.conversationId === PLAIN && message.sequence === sequence

/** In every store and on every screen. */
function everywhere(evidence: Falsifiable, sequence: number) {
  const messages = [historyOf(evidence), ...everyList(evidence)].flat()
  const rows = evidence.database.messages as Partial<(typeof messages)[number]>[]
  return [...messages, ...rows].filter((message) => isAt(message as (typeof messages)[number], sequence))
}

/** Of the first user. */
function membershipOf({ recording }: Falsifiable) {
  return recording.memberships.find((one) => one.conversationId === PLAIN && one.userId === 'user 0')!
}

/** The first user is said to have been away while a message was sent. */
function awayAround(evidence: Falsifiable, sequence: number) {
  const { invokedAt, endedAt } = attemptAt(evidence, sequence)
  const first = membershipOf(evidence)
  Object.assign(first, { leavingAt: invokedAt - 1, leftAt: invokedAt - 1 })
  const again = { ...first, askedAt: endedAt! + 1, joinedAt: endedAt! + 1, leavingAt: null, leftAt: null }
  evidence.recording.memberships.push(again)
}

function everyState(evidence: Falsifiable, messageId: string) {
  const messages = [...evidence.histories.values(), ...everyList(evidence, MARKED)].flat()
  return [...messages, ...evidence.database.messages].filter(({ id }) => id === messageId)
}

function attemptAt(evidence: Falsifiable, sequence: number) {
  const { id } = historyOf(evidence)[sequence - 1]!
  return evidence.recording.sends.find(({ messageId }) => messageId === id)!
}

const deletionIn = ({ recording }: Falsifiable) => recording.changes.find(({ text }) => text === null)!

const acknowledgedIds = ({ recording }: Falsifiable) =>
  recording.sends.filter(({ outcome }) => outcome.kind === 'ok').map(({ messageId }) => messageId)
