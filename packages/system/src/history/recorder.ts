import type { Message } from '@parley/protocol'
import type {
  Acknowledged,
  ChangeAttempt,
  Fault,
  Heard,
  MarkAttempt,
  MarkKind,
  Membership,
  Outcome,
  ReactionAttempt,
  Recording,
  SendAttempt,
  Session,
  Shown,
  TitleAttempt,
  Watermark,
} from './recording.ts'

/** Writes down what all clients of a test do and hear, by one clock. */
export interface Recorder {
  session(device: { id: string; userId: string; followsReceipts?: boolean }): SessionRecorder
  /** Calls `work`, which makes these users members. */
  join(conversationId: string, userIds: readonly string[], work: () => Promise<unknown>): Promise<void>
  /** Calls `work`, which ends a membership. */
  leave(conversationId: string, userId: string, work: () => Promise<unknown>): Promise<void>
  /** To be called before something is broken. Answers with what is to be called when it is whole again. */
  fault(name: string): () => void
  /** All so far. */
  recording(): Recording
}

/** Writes down what one device does and hears. */
export interface SessionRecorder {
  readonly id: string
  connected(): void
  disconnected(): void
  heard(event: Heard['event'], message: Message): void
  /** It was told to ask for what it missed, in all conversations if none is named. */
  excused(conversationIds: readonly string[]): void
  told(watermark: Omit<Watermark, 'at'>): void
  /** Calls `work`, which is one attempt to send, and answers as it does. */
  send<Sent extends Acknowledged>(
    message: { conversationId: string; id: string; text: string },
    work: () => Promise<Sent>,
  ): Promise<Sent>
  /** The same for an edit, or with a text of null for a deletion. */
  change(
    change: { conversationId: string; messageId: string; text: string | null },
    work: () => Promise<unknown>,
  ): Promise<void>
  react(
    reaction: { conversationId: string; messageId: string; emoji: string; isThere: boolean },
    work: () => Promise<unknown>,
  ): Promise<void>
  rename(conversationId: string, title: string, work: () => Promise<unknown>): Promise<void>
  mark(mark: { conversationId: string; kind: MarkKind; sequence: number }, work: () => Promise<unknown>): Promise<void>
  /** What the device shows at the end. */
  shows(shown: readonly Shown[]): void
}

type Growing<Thing> = {
  -readonly [Key in keyof Thing]: Thing[Key] extends readonly (infer Item)[] ? Growing<Item>[] : Thing[Key]
}

/** `refusalOf` tells from what an attempt has thrown whether it was refused for certain, and how. */
export function createRecorder(
  refusalOf: (error: unknown) => string | undefined,
  now = () => performance.now(),
): Recorder {
  const sends: SendAttempt[] = []
  const changes: ChangeAttempt[] = []
  const reactions: ReactionAttempt[] = []
  const titles: TitleAttempt[] = []
  const marks: MarkAttempt[] = []
  const memberships: Growing<Membership>[] = []
  const sessions: Growing<Session>[] = []
  const faults: Growing<Fault>[] = []

  interface Ending<Answer> {
    outcome: Outcome<Answer>
    endedAt: number | null
  }

  /** Notes the attempt before it is made: should it never end, what became of it is unknown. */
  async function attempt<Result, Answer>(
    begin: (begun: Ending<Answer> & { invokedAt: number }) => Ending<Answer>,
    work: () => Promise<Result>,
    answerOf: (result: Result) => Answer,
  ): Promise<Result> {
    const noted = begin({ invokedAt: now(), endedAt: null, outcome: { kind: 'unknown' } })
    try {
      const result = await work()
      noted.outcome = { kind: 'ok', answer: answerOf(result) }
      return result
    } catch (error) {
      const code = refusalOf(error)
      if (code !== undefined) noted.outcome = { kind: 'refused', code }
      throw error
    } finally {
      noted.endedAt = now()
    }
  }

  /** An attempt whose answer says nothing that is of interest. */
  async function does(
    begin: (begun: Ending<null> & { invokedAt: number }) => Ending<null>,
    work: () => Promise<unknown>,
  ): Promise<void> {
    await attempt(begin, work, () => null)
  }

  function note<Thing>(list: Thing[], thing: Thing): Thing {
    list.push(thing)
    return thing
  }

  function session({
    id: sessionId,
    userId,
    followsReceipts = false,
  }: Parameters<Recorder['session']>[0]): SessionRecorder {
    const noted: Growing<Session> = {
      id: sessionId,
      userId,
      followsReceipts,
      connections: [],
      watermarks: [],
      shown: [],
    }
    sessions.push(noted)
    return {
      id: sessionId,
      connected: () =>
        void noted.connections.push({ connectedAt: now(), disconnectedAt: null, heard: [], excuses: [] }),
      disconnected() {
        const last = noted.connections.at(-1)
        if (last !== undefined) last.disconnectedAt ??= now()
      },
      heard: (event, message) => void noted.connections.at(-1)?.heard.push({ at: now(), event, message }),
      excused: (ids) => void noted.connections.at(-1)?.excuses.push({ at: now(), conversationIds: [...ids] }),
      told: (watermark) => void noted.watermarks.push({ at: now(), ...watermark }),
      send: ({ conversationId, id: messageId, text }, work) =>
        attempt(
          (begun) => note(sends, { sessionId, userId, conversationId, messageId, text, ...begun }),
          work,
          ({ id, sequence, createdAt, duplicate }): Acknowledged => ({ id, sequence, createdAt, duplicate }),
        ),
      change: (change, work) => does((begun) => note(changes, { sessionId, ...change, ...begun }), work),
      react: (reaction, work) => does((begun) => note(reactions, { sessionId, userId, ...reaction, ...begun }), work),
      rename: (conversationId, title, work) =>
        does((begun) => note(titles, { sessionId, conversationId, title, ...begun }), work),
      mark: (mark, work) => does((begun) => note(marks, { sessionId, userId, ...mark, ...begun }), work),
      shows: (shown) => void (noted.shown = [...shown] as Growing<Shown>[]),
    }
  }

  return {
    session,
    async join(conversationId, userIds, work) {
      const joining = userIds.map((userId) =>
        note(memberships, { conversationId, userId, askedAt: now(), joinedAt: null, leavingAt: null, leftAt: null }),
      )
      await work()
      for (const one of joining) one.joinedAt = now()
    },
    async leave(conversationId, userId, work) {
      const last = memberships.findLast((one) => one.conversationId === conversationId && one.userId === userId)
      if (last !== undefined) last.leavingAt = now()
      await work()
      if (last !== undefined) last.leftAt = now()
    },
    fault(name) {
      const fault = note(faults, { name, beganAt: now(), healedAt: null as number | null })
      return () => void (fault.healedAt ??= now())
    },
    recording: () => structuredClone({ sends, changes, reactions, titles, marks, memberships, sessions, faults }),
  }
}
