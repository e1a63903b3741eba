import type { OperationName } from '@parley/protocol'
import type { GatewayRouting } from '@parley/routing'
import type { ChatConnection } from '../hub/chat-connection.ts'

/** What a person does. The rest a device does by itself. */
const doneByPeople: ReadonlySet<OperationName> = new Set<OperationName>([
  'UpdateProfile',
  'UpdateSettings',
  'FindUsers',
  'BlockUser',
  'UnblockUser',
  'CreateConversation',
  'UpdateConversation',
  'MuteConversation',
  'AddMembers',
  'ChangeRole',
  'RemoveMember',
  'LeaveConversation',
  'SendMessage',
  'EditMessage',
  'DeleteMessage',
  'AddReaction',
  'RemoveReaction',
  'MarkRead',
  'StartTyping',
])

/** After so long without anything a device is idle. */
const IDLE_MS = 5 * 60_000
const STEPS = 5

/**
 * Which connections are in use. Those that are stand in the generation in which they were used last; the oldest generation
 * is idle when the next one begins. An idle connection takes no room, and each change of it is one write.
 */
export class Activity implements Disposable {
  readonly #routing: Pick<GatewayRouting, 'setIdle'>
  /** The newest first. */
  #generations: Set<ChatConnection>[] = Array.from({ length: STEPS + 1 }, () => new Set())
  readonly #timer: NodeJS.Timeout

  constructor(options: { routing: Pick<GatewayRouting, 'setIdle'>; idleMs?: number }) {
    this.#routing = options.routing
    this.#timer = setInterval(() => this.#begin(), (options.idleMs ?? IDLE_MS) / STEPS)
  }

  /** A connection is new. Of a user who was away and is back after a loss, nothing is known to be used. */
  began(connection: ChatConnection, { isIdle }: { isIdle: boolean }): void {
    if (!isIdle && !connection.hasEnded) this.#generations[0]!.add(connection)
  }

  performed(connection: ChatConnection, name: OperationName): void {
    if (doneByPeople.has(name)) this.used(connection)
  }

  used(connection: ChatConnection): void {
    const [newest, ...others] = this.#generations
    if (newest!.has(connection) || connection.hasEnded) return
    newest!.add(connection)
    if (!others.some((generation) => generation.delete(connection))) this.#tell(connection, false)
  }

  /** Its user is away from the device. */
  left(connection: ChatConnection): void {
    if (this.#generations.some((generation) => generation.delete(connection))) this.#tell(connection, true)
  }

  endConnection(connection: ChatConnection): void {
    for (const generation of this.#generations) generation.delete(connection)
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }

  #begin(): void {
    const idle = this.#generations.pop()!
    this.#generations = [new Set(), ...this.#generations]
    for (const connection of idle) this.#tell(connection, true)
  }

  #tell(connection: ChatConnection, isIdle: boolean): void {
    // It never rejects: whatever fails is registered again.
    void this.#routing.setIdle(connection.id, connection.identity.actor.userId, isIdle)
  }
}
