import type { Delivery } from '../connection/outbox.ts'
import { encodeInvocation, type Frame } from '../frame.ts'
import type { HubConnection } from '../hub/hub.ts'

/** Those connections that are meant, at the moment when something is sent to them. */
export interface Audience {
  /** Calls a method of every client. Throws, behind the last one, if an argument cannot be encoded for one of them. */
  send(target: string, ...args: unknown[]): void
  sendFrame(frame: Frame, delivery?: Delivery): void
}

/** Nobody gets a message twice, even when it is meant in two ways. */
export interface Clients {
  readonly all: Audience
  allExcept(connectionIds: Iterable<string>): Audience
  group(name: string): Audience
  groups(names: Iterable<string>): Audience
  groupExcept(name: string, connectionIds: Iterable<string>): Audience
  user(userId: string): Audience
  users(userIds: Iterable<string>): Audience
  connection(connectionId: string): Audience
}

type Member = Pick<HubConnection<unknown>, 'id' | 'sendFrame'>

interface Directory {
  readonly connections: ReadonlyMap<string, Member>
  readonly groups: { of(name: string): ReadonlySet<Member> }
  readonly users: { of(userId: string): Iterable<Member> }
}

export function createClients({ connections, groups, users }: Directory): Clients {
  return {
    all: audience(() => connections.values()),
    allExcept: (ids) => audience(without(() => connections.values(), ids)),
    group: (name) => audience(() => groups.of(name)),
    groups: (names) => audience(union([...names], (name) => groups.of(name))),
    groupExcept: (name, ids) => audience(without(() => groups.of(name), ids)),
    user: (userId) => audience(() => users.of(userId)),
    users: (userIds) => audience(union([...userIds], (userId) => users.of(userId))),
    connection(id) {
      return audience(() => {
        const connection = connections.get(id)
        return connection === undefined ? [] : [connection]
      })
    },
  }
}

/** Maps and sets may lose members while they are walked through: those whose connection ends meanwhile. */
function audience(members: () => Iterable<Member>): Audience {
  const sendFrame = (frame: Frame, delivery?: Delivery) => {
    const errors: unknown[] = []
    for (const member of members()) {
      try {
        member.sendFrame(frame, delivery)
      } catch (error) {
        errors.push(error)
      }
    }
    if (errors.length > 0) throw errors[0]
  }
  return { send: (target, ...args) => sendFrame(encodeInvocation(target, args)), sendFrame }
}

function without(members: () => Iterable<Member>, ids: Iterable<string>): () => Iterable<Member> {
  const leftOut = new Set(ids)
  return function* () {
    for (const member of members()) if (!leftOut.has(member.id)) yield member
  }
}

function union(keys: readonly string[], membersOf: (key: string) => Iterable<Member>): () => Iterable<Member> {
  return () => new Set(keys.flatMap((key) => [...membersOf(key)]))
}
