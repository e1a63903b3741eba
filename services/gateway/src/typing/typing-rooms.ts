import type { TypingNotice } from '@parley/contracts'
import type { HubEvent } from '@parley/protocol'
import { encodeInvocation, type Frame } from '@parley/signalr'
import { Agenda } from '../agenda.ts'
import type { BlockedUsers } from '../blocking/blocked-users.ts'
import type { LocalDelivery } from '../delivery/local-delivery.ts'
import type { ChatConnection } from '../hub/chat-connection.ts'
import { TypingRoom } from './typing-room.ts'
import { COUNTED_EVERY_MS, TYPING_MS } from './typing-times.ts'

/** A count that stays the same is told again when the typing it stands for has been prolonged by so much. */
const RENEWED_MS = 2_000

/**
 * Tells this gateway's connections who types in their conversations: each by name, or while they are too many, how many they
 * are, at most once a second. A client forgets by itself who does not type any more; here it matters for the number alone.
 * Nobody is told of those whom they have blocked. Nothing is kept of conversations where nobody types.
 */
export class TypingRooms implements Disposable {
  readonly #delivery: Pick<LocalDelivery, 'hearersOf'>
  readonly #routing: { readonly lapsed: boolean }
  readonly #blockedUsers: Pick<BlockedUsers, 'of'>
  /** By conversation. */
  readonly #rooms = new Map<string, TypingRoom>()
  readonly #agenda = new Agenda<string>((conversationId) => this.#look(conversationId))
  #toldCount = 0

  constructor(options: {
    delivery: Pick<LocalDelivery, 'hearersOf'>
    routing: { readonly lapsed: boolean }
    blockedUsers: Pick<BlockedUsers, 'of'>
  }) {
    this.#delivery = options.delivery
    this.#routing = options.routing
    this.#blockedUsers = options.blockedUsers
  }

  /** Conversations in which somebody types. */
  get size(): number {
    return this.#rooms.size
  }

  /** Conversations in which so many type that they are counted, not named. */
  get counted(): number {
    return [...this.#rooms.values()].filter(({ isCrowd }) => isCrowd).length
  }

  /** How many events connections were told. */
  get told(): number {
    return this.#toldCount
  }

  isTyping(userId: string, conversationId: string): boolean {
    return this.#rooms.get(conversationId)?.has(userId) ?? false
  }

  /** What is old, or told while the lease has lapsed, is not heard; and no clock is trusted for longer than somebody types. */
  receive({ conversationId, userId, active, expiresAt }: TypingNotice): void {
    const lastsMs = Math.min(Date.parse(expiresAt) - Date.now(), TYPING_MS)
    if (lastsMs <= 0 || this.#routing.lapsed) return
    const hearers = this.#delivery.hearersOf(conversationId)
    const now = performance.now()
    const room = this.#rooms.get(conversationId) ?? new TypingRoom()
    room.forgetExpired(now)
    const until = now + lastsMs
    const isNews = active ? hearers.length > 0 && room.start(userId, until) : room.stop(userId)
    if (!isNews) return
    this.#rooms.set(conversationId, room)
    // Those who are counted wait for the next second.
    if (room.isCrowd) return
    if (room.isTooManyToName()) this.#tellCount(conversationId, room, hearers)
    else this.#tellName(conversationId, room, hearers, { userId, active, until })
    this.#schedule(conversationId, room)
  }

  [Symbol.dispose](): void {
    this.#agenda[Symbol.dispose]()
    this.#rooms.clear()
  }

  #look(conversationId: string): void {
    const room = this.#rooms.get(conversationId)
    if (room === undefined) return
    if (this.#routing.lapsed) {
      this.#rooms.delete(conversationId)
      return
    }
    room.forgetExpired(performance.now())
    if (room.isCrowd) {
      const hearers = this.#delivery.hearersOf(conversationId)
      if (!room.isTooManyToName()) this.#tellNames(conversationId, room, hearers)
      else if (room.isCountNews(RENEWED_MS)) this.#tellCount(conversationId, room, hearers)
    }
    this.#schedule(conversationId, room)
  }

  #schedule(conversationId: string, room: TypingRoom): void {
    if (room.isCrowd) {
      this.#agenda.schedule(conversationId, COUNTED_EVERY_MS)
    } else if (room.count > 0) {
      this.#agenda.schedule(conversationId, room.firstUntil - performance.now())
    } else {
      this.#agenda.cancel(conversationId)
      this.#rooms.delete(conversationId)
    }
  }

  #tellCount(conversationId: string, room: TypingRoom, hearers: readonly ChatConnection[]): void {
    room.countTold()
    const expiresAt = timeOf(room.lastUntil)
    const concerned = hearers.filter((connection) => this.#countFor(connection, room) > 0)
    this.#tell(room, concerned, (count) => ({ conversationId, userId: null, active: true, count, expiresAt }))
  }

  /** They are few again: those who still type are named. */
  #tellNames(conversationId: string, room: TypingRoom, hearers: readonly ChatConnection[]): void {
    room.namesTold()
    const expiresAt = timeOf(performance.now())
    this.#tell(room, hearers, () => ({ conversationId, userId: null, active: false, count: 0, expiresAt }))
    for (const [userId, until] of room.typists()) {
      this.#tellName(conversationId, room, hearers, { userId, active: true, until })
    }
  }

  #tellName(
    conversationId: string,
    room: TypingRoom,
    hearers: readonly ChatConnection[],
    { userId, active, until }: { userId: string; active: boolean; until: number },
  ): void {
    const expiresAt = timeOf(until)
    const concerned = hearers.filter((connection) => this.#isTold(connection, userId))
    this.#tell(room, concerned, (count) => ({ conversationId, userId, active, count, expiresAt }))
  }

  #tell(
    room: TypingRoom,
    connections: readonly ChatConnection[],
    argumentOf: (count: number) => HubEvent<'Typing'>,
  ): void {
    const frames = new Map<number, Frame>()
    for (const connection of connections) {
      const count = this.#countFor(connection, room)
      const frame = frames.get(count) ?? encodeInvocation('Typing', [argumentOf(count)])
      frames.set(count, frame)
      connection.sendFrame(frame, 'ephemeral')
    }
    this.#toldCount += connections.length
  }

  #isTold(connection: ChatConnection, typistId: string): boolean {
    const { userId } = connection.identity.actor
    return userId !== typistId && this.#blockedUsers.of(userId)?.has(typistId) !== true
  }

  /** How many type of whom a connection is told: not its own user, nor whom that one has blocked. */
  #countFor(connection: ChatConnection, room: TypingRoom): number {
    const { userId } = connection.identity.actor
    if (this.#blockedUsers.of(userId) === undefined) return room.count - (room.has(userId) ? 1 : 0)
    return room.typists().reduce((count, [typistId]) => count + (this.#isTold(connection, typistId) ? 1 : 0), 0)
  }
}

/** The time of a moment that `performance.now` counts. */
const timeOf = (moment: number): string => new Date(Date.now() + moment - performance.now()).toISOString()
