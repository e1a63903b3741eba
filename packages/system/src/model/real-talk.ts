import { randomUUID } from 'node:crypto'
import { openRest, type Rest } from '@parley/client'
import type { ConversationKind, HistoryVisibility } from '@parley/protocol'
import { signIn } from '../participant.ts'
import { ChatDevice } from './chat-device.ts'
import { outcomeOf, restDoor, type Door, type Input, type Output, type Question } from './device.ts'
import { ModelTalk } from './model-talk.ts'
import type { Outcome } from './outcome.ts'
import { PlainDevice } from './plain-device.ts'

export interface RealUser {
  readonly id: string
  readonly rest: Rest
  readonly devices: readonly (PlainDevice | ChatDevice)[]
}

/** What each user has: some two devices of different kinds, on different gateways, and one none. */
const DEVICES: readonly (readonly ('plain' | 'chat')[])[] = [
  ['plain'],
  ['chat'],
  ['plain', 'chat'],
  ['plain', 'plain'],
  [],
]

/** From the beginning: this user. */
const PRIVATE_READER = 2

export interface Beginning {
  readonly kind: ConversationKind
  readonly historyVisibility: HistoryVisibility
}

/** Users of a running system, and what they have done. */
export class RealTalk implements AsyncDisposable {
  readonly users: readonly RealUser[]
  readonly #trace: string[] = []
  /** By id: users, conversations and messages, for people to read. */
  readonly #names: Map<string, string>

  constructor(users: readonly RealUser[]) {
    this.users = users
    this.#names = new Map(users.map(({ id }, index) => [id, `user ${index}`]))
  }

  /** What was asked so far, and refused. */
  get trace(): string {
    const text = this.#trace.join('\n')
    return text.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, (id) => {
      const name = this.#names.get(id) ?? `#${this.#names.size}`
      this.#names.set(id, name)
      return name
    })
  }

  /** Asks through one of the user's connected devices, or by REST. */
  doorOf(user: RealUser, choice: number): Door {
    const doors: Door[] = [...user.devices.filter(({ isConnected }) => isConnected), restDoor(user.rest)]
    return doors[choice % doors.length]!
  }

  ask<Name extends Question>(
    user: RealUser,
    door: Door,
    [name, input]: readonly [Name, Input<Name>],
  ): Promise<Outcome<Output<Name>>> {
    return this.noting(`${user.id} by ${door.name}: ${name} ${JSON.stringify(input)}`, () =>
      outcomeOf(door.ask(name, input)),
    )
  }

  send(user: RealUser, door: Door, input: Input<'SendMessage'>): Promise<Outcome<Output<'SendMessage'>>> {
    return this.noting(`${user.id} by ${door.name}: sends ${JSON.stringify(input)}`, () => outcomeOf(door.send(input)))
  }

  async noting<Result>(what: string, work: () => Promise<Result>): Promise<Result> {
    const index = this.#trace.push(what) - 1
    const result = await work()
    const refusal =
      typeof result === 'object' && result !== null && 'refused' in result
        ? ` -> ${JSON.stringify(result.refused)}`
        : ''
    this.#trace[index] = `${what}${refusal}`
    return result
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.users.flatMap(({ devices }) => devices.map((device) => device.close())))
  }
}

/** New users, connected, and their conversations; a direct one is of the first two, in others are all but the last. */
export async function beginTalk(
  gatewayUrls: readonly [string, string],
  beginnings: readonly Beginning[],
): Promise<{ model: ModelTalk; real: RealTalk }> {
  const run = randomUUID()
  const signedIn = await Promise.all(
    DEVICES.map(async (kinds, index) => {
      const userName = `user ${index} ${run}`
      const url = gatewayUrls[index % 2]!
      return { kinds, userName, ...(await signIn(url, userName)) }
    }),
  )
  const userIds = signedIn.map(({ user }) => user.id)
  const selfDelivering = new Set(signedIn.filter(({ kinds }) => kinds.includes('chat')).map(({ user }) => user.id))
  const model = new ModelTalk(userIds, selfDelivering)
  const users = signedIn.map(({ kinds, userName, user, accessToken }, index): RealUser => {
    const devices = kinds.map((kind, place) => {
      const url = gatewayUrls[(index + place) % 2]!
      const of = { url, userId: user.id, talk: model, name: `${kind} device ${place}` }
      return kind === 'plain' ? new PlainDevice({ ...of, userName }) : new ChatDevice({ ...of, accessToken })
    })
    return { id: user.id, rest: openRest({ url: gatewayUrls[index % 2]!, accessToken }), devices }
  })
  const real = new RealTalk(users)
  const privateReader = users[PRIVATE_READER]!
  await privateReader.rest.perform('UpdateSettings', { privateRead: true })
  model.privateReaders.add(privateReader.id)
  await Promise.all(users.flatMap(({ devices }) => devices.map((device) => device.connect())))
  for (const { kind, historyVisibility } of beginnings) {
    const members = kind === 'direct' ? userIds.slice(0, 2) : userIds.slice(0, -1)
    const { id } = await users[0]!.rest.perform('CreateConversation', {
      kind,
      memberIds: members.slice(1),
      historyVisibility: kind === 'direct' ? 'joined' : historyVisibility,
    })
    model.begin({ id, kind, title: null, historyVisibility: kind === 'direct' ? 'joined' : historyVisibility }, members)
  }
  return { model, real }
}
