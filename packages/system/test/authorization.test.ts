import { randomUUID } from 'node:crypto'
import {
  access,
  isForAnyone,
  mayAsk,
  operations,
  permissions,
  type Conversation,
  type OperationName,
  type Role,
  type SentMessage,
  type User,
} from '@parley/protocol'
import { v7 as uuidv7 } from 'uuid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { asker, type Asker } from '../src/asker.ts'
import { join, signIn } from '../src/participant.ts'
import { startSystem, type System } from '../src/start-system.ts'

/** Every operation by everybody: what each is answered follows from one table (packages/protocol/src/access.ts). */

const SECRET = 'a secret of a service account, 32 or more'
const serviceAccount = (id: string, scope: string) => ({
  client_id: id,
  client_name: id,
  grant_types: ['client_credentials'],
  client_secrets: [SECRET],
  scope,
})

const people = ['owner', 'admin', 'member', 'former', 'stranger', 'blocked', 'administrator'] as const
const services = ['reader', 'writer', 'warden'] as const
const callers = [...people, ...services, 'anonymous'] as const
type Caller = (typeof callers)[number]

/** What each is in the conversation that they ask about. Services are members of it: what they may is a matter of scopes. */
const roles: Readonly<Record<Caller, Role | null>> = {
  owner: 'owner',
  admin: 'admin',
  member: 'member',
  former: null,
  stranger: null,
  blocked: null,
  administrator: null,
  reader: 'member',
  writer: 'member',
  warden: 'member',
  anonymous: null,
}

const scopes: Readonly<Partial<Record<Caller, readonly string[]>>> = {
  administrator: ['admin'],
  reader: ['chat:read'],
  writer: ['chat:read', 'chat:write'],
  warden: ['admin'],
}

let system: System
const askers = {} as Record<Caller, Asker>
const users = {} as Record<Exclude<Caller, 'anonymous'>, User>

beforeAll(async () => {
  system = await startSystem({
    environment: {
      AUTH_CLIENTS: JSON.stringify([
        serviceAccount('reader', 'chat:read'),
        serviceAccount('writer', 'chat:read chat:write'),
        serviceAccount('warden', 'admin'),
      ]),
    },
  })
  const [url] = system.gatewayUrls
  for (const name of people) {
    const { accessToken, user } = await signIn(url, name, { admin: name === 'administrator' })
    askers[name] = await asker(url, accessToken)
    users[name] = user
  }
  for (const name of services) {
    askers[name] = await asker(url, await serviceToken(url, name))
    users[name] = (await askers[name].ask('GetMe', {})).output as User
  }
  askers.anonymous = await asker(url, undefined)
  await askers.owner.ask('BlockUser', { userId: users.blocked.id })
}, 120_000)
afterAll(async () => {
  for (const one of Object.values(askers)) await one[Symbol.asyncDispose]()
  await system?.[Symbol.asyncDispose]()
})

async function serviceToken(url: string, name: string): Promise<string> {
  const response = await fetch(`${url}/oauth/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${name}:${encodeURIComponent(SECRET)}`)}` },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  })
  const { access_token: token } = (await response.json()) as { access_token?: string }
  if (token === undefined) throw new Error(`no token for ${name}: ${response.status}`)
  return token
}

const TITLE = 'only members know it'

/** A conversation with all who belong in it, a message of its owner and one of its member. */
interface Scene {
  readonly conversationId: string
  readonly messageId: string
}

async function makeScene(): Promise<Scene> {
  const members = [users.admin, users.member, users.former, users.reader, users.writer, users.warden]
  const conversation = await asked<Conversation>('owner', 'CreateConversation', {
    kind: 'group',
    title: TITLE,
    memberIds: members.map(({ id }) => id),
  })
  const conversationId = conversation.id
  await asked('owner', 'ChangeRole', { conversationId, userId: users.admin.id, role: 'admin' })
  const { id: messageId } = await asked<SentMessage>('owner', 'SendMessage', {
    conversationId,
    id: uuidv7(),
    text: 'hi',
  })
  await asked('owner', 'RemoveMember', { conversationId, userId: users.former.id })
  // A gateway takes marks for what it hears, until it has heard that somebody is a member no more.
  const mark = { conversationId, sequence: 1 }
  await expect.poll(async () => (await askers.former.ask('MarkRead', mark)).code).toBe('not_a_member')
  return { conversationId, messageId }
}

async function asked<Output>(caller: Caller, name: OperationName, input: object): Promise<Output> {
  const { code, output } = await askers[caller].ask(name, input)
  if (code !== 'ok') throw new Error(`${name}: ${code}`)
  return output as Output
}

/** A whole input for every operation, about the scene. */
function inputOf(name: OperationName, { conversationId, messageId }: Scene): Record<string, unknown> {
  const values: Record<string, unknown> = {
    conversationId,
    messageId,
    id: name === 'CreateConversation' ? randomUUID() : name === 'SendMessage' ? uuidv7() : randomUUID(),
    kind: 'group',
    title: 'another title',
    text: 'another text',
    emoji: '👍',
    sequence: 1,
    deliveredSequence: 1,
    role: 'admin',
    until: null,
    userIds: [users.member.id],
    memberIds: [],
    userId: name === 'ChangeRole' || name === 'RemoveMember' ? users.warden.id : users.stranger.id,
    deviceId: randomUUID(),
    query: 'nobody of this name',
    name: 'file.txt',
    type: 'text/plain',
    size: name.startsWith('Download') ? 'small' : 10,
    accessToken: 'no token',
    conversations: [],
    since: null,
    messageDays: null,
    fileDays: null,
    reason: 'a reason',
    holdId: randomUUID(),
  }
  // Whoever is signed out can ask for nothing more.
  if (['SignOutUser', 'BlockUser', 'EraseUser', 'ExportUser', 'PlaceHold'].includes(name))
    values['userId'] = randomUUID()
  if (name === 'PlaceHold') delete values['conversationId']
  if (name === 'StartRun') values['kind'] = 'create-months'
  if (name === 'AddMembers') values['userIds'] = [users.stranger.id]
  const fields = Object.keys(operations[name].input.shape)
  return Object.fromEntries(fields.filter((field) => field in values).map((field) => [field, values[field]]))
}

const REFUSING = ['unauthenticated', 'forbidden', 'not_a_member']

/** What the table says of an operation on a message of the owner, in a group. */
function expectedOf(caller: Caller, name: OperationName): string {
  if (caller === 'anonymous') return isForAnyone(name) ? 'let through' : 'unauthenticated'
  const isService = (services as readonly string[]).includes(caller)
  if (!mayAsk({ isService, scopes: scopes[caller] ?? [] }, name)) return 'forbidden'
  const { standing, action } = access[name]
  if (standing === 'none' || standing === 'owner' || standing === 'reader') return 'let through'
  const role = roles[caller]
  if (role === null) return 'not_a_member'
  const isAllowed = action === undefined ? standing !== 'author' : permissions[action].group.includes(role)
  return isAllowed || (standing === 'author' && caller === 'owner') ? 'let through' : 'forbidden'
}

const names = Object.keys(operations) as OperationName[]
const aboutConversations = names.filter((name) => ['member', 'author'].includes(access[name].standing))
const foundOnlyByTheirOwner: Partial<Record<OperationName, string>> = {
  RemoveDevice: 'device_not_found',
  CompleteUpload: 'upload_not_found',
  GetUpload: 'upload_not_found',
  DeleteUpload: 'upload_not_found',
  DownloadMedia: 'upload_not_found',
  DownloadThumbnail: 'upload_not_found',
}

test('every operation has a row in the table of access, and the table no other', () => {
  expect(Object.keys(access).sort()).toEqual([...names].sort())
})

describe.each(names)('%s', (name) => {
  test('is for whom the table says, and nobody else', async () => {
    const answers: Record<string, string> = {}
    const expected: Record<string, string> = {}
    for (const caller of callers) {
      const { code } = await askers[caller].ask(name, inputOf(name, await makeScene()))
      expect(['internal', 'unavailable'], caller).not.toContain(code)
      const isRefused = REFUSING.includes(code) && (caller === 'anonymous' || code !== lastResort(name))
      answers[caller] = isRefused ? code : 'let through'
      expected[caller] = expectedOf(caller, name)
    }
    expect(answers).toEqual(expected)
  }, 60_000)
})

/** A bad token is all that is wrong in the input of `RenewToken`. */
const lastResort = (name: OperationName): string | undefined => (name === 'RenewToken' ? 'unauthenticated' : undefined)

describe.each(aboutConversations)('%s', (name) => {
  test.for(['former', 'stranger', 'blocked', 'administrator'] as const)(
    'tells a %s of a conversation as little as of none',
    async (caller) => {
      const scene = await makeScene()
      const absent: Scene = { conversationId: randomUUID(), messageId: uuidv7() }
      const foreign = await askers[caller].ask(name, inputOf(name, scene))
      expect(foreign.answer).toEqual((await askers[caller].ask(name, inputOf(name, absent))).answer)
      expect(JSON.stringify(foreign.answer)).not.toContain(TITLE)
    },
  )
})

describe.each(Object.entries(foundOnlyByTheirOwner) as [OperationName, string][])('%s', (name, code) => {
  test('finds what is of another no more than what is not there', async () => {
    const deviceId = (await asked<{ devices: { id: string }[] }>('owner', 'ListDevices', {})).devices[0]!.id
    const { conversationId } = await makeScene()
    const { upload } = await asked<{ upload: { id: string } }>('owner', 'ReserveUpload', {
      conversationId,
      name: 'file.txt',
      type: 'text/plain',
      size: 10,
    })
    const input = name === 'RemoveDevice' ? { deviceId } : { id: upload.id }
    const absent = name === 'RemoveDevice' ? { deviceId: randomUUID() } : { id: randomUUID() }
    for (const caller of ['stranger', 'former', 'administrator'] as const) {
      const foreign = await askers[caller].ask(name, input)
      expect(foreign.code).toBe(code)
      expect(foreign.answer).toEqual((await askers[caller].ask(name, absent)).answer)
    }
  })
})

test('nobody but its members connects to hear of a conversation', async () => {
  await using stranger = await join(system.gatewayUrls[1], 'stranger')
  await using member = await join(system.gatewayUrls[1], 'member')
  const { conversationId } = await makeScene()
  await expect.poll(() => member.heard.some((message) => message.conversationId === conversationId)).toBe(true)
  expect(stranger.heard).toEqual([])
  expect(stranger.conversations).toEqual([])
})
