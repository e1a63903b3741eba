import type { HubConnection } from '../hub/hub.ts'

export interface UserOptions<Identity> {
  /** Undefined for nobody in particular. */
  userIdOf(identity: Identity): string | undefined
  readonly connectionsPerUser: number
}

interface UserConnection<Identity> extends Pick<HubConnection<Identity>, 'identity' | 'close'> {
  /** As it was asked once, when the connection was opened. */
  userId: string | undefined
}

/** The connections of each user, if the server was told how to know them. Most users have one: that costs no set. */
export class Users<Identity, Member extends UserConnection<Identity>> {
  readonly #connections = new Map<string, Member | Set<Member>>()
  readonly #options: UserOptions<Identity>

  constructor(options: UserOptions<Identity>) {
    this.#options = options
  }

  /** The oldest first. */
  of(userId: string): Iterable<Member> {
    const found = this.#connections.get(userId)
    if (found === undefined) return []
    return found instanceof Set ? found : [found]
  }

  /** Who connects too often loses the oldest connection, and for good: it must not come back at the next one's cost. */
  add(connection: Member): void {
    const userId = this.#options.userIdOf(connection.identity)
    if (userId === undefined) return
    connection.userId = userId
    const others = this.#connections.get(userId)
    if (others === undefined) this.#connections.set(userId, connection)
    else if (others instanceof Set) others.add(connection)
    else this.#connections.set(userId, new Set([others, connection]))
    const [oldest, ...newer] = this.of(userId)
    const most = this.#options.connectionsPerUser
    if (newer.length >= most) oldest!.close({ error: `The user has more than ${most} connections.` })
  }

  delete(connection: Member): void {
    const { userId } = connection
    if (userId === undefined) return
    const found = this.#connections.get(userId)
    if (found instanceof Set) found.delete(connection)
    if (found === connection || (found instanceof Set && found.size === 0)) this.#connections.delete(userId)
  }
}
