import { Groups } from './groups.ts'
import type { HubConnection } from '../hub/hub.ts'

export interface UserOptions<Identity> {
  /** Undefined for nobody in particular. */
  userIdOf(identity: Identity): string | undefined
  readonly connectionsPerUser: number
}

/** The connections of each user, if the server was told how to know them. */
export class Users<Identity, Member extends Pick<HubConnection<Identity>, 'identity' | 'close'>> {
  readonly #connections = new Groups<Member>()
  readonly #options: UserOptions<Identity>

  constructor(options: UserOptions<Identity>) {
    this.#options = options
  }

  /** The oldest first. */
  of(userId: string): ReadonlySet<Member> {
    return this.#connections.of(userId)
  }

  /** Who connects too often loses the oldest connection, and for good: it must not come back at the next one's cost. */
  add(connection: Member): void {
    const userId = this.#options.userIdOf(connection.identity)
    if (userId === undefined) return
    this.#connections.join(userId, connection)
    const connections = this.#connections.of(userId)
    const most = this.#options.connectionsPerUser
    if (connections.size <= most) return
    const [oldest] = connections
    oldest!.close({ error: `The user has more than ${most} connections.` })
  }

  delete(connection: Member): void {
    this.#connections.leaveAll(connection)
  }
}
