import { randomUUID } from 'node:crypto'
import {
  access,
  isForAnyone,
  operations,
  refusals,
  type Conversation,
  type Operation,
  type OperationName,
} from '@parley/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { v7 as uuidv7 } from 'uuid'
import { join, signIn, type Participant } from '../src/participant.ts'
import { startSystem, type System } from '../src/start-system.ts'

let system: System
let stranger: Participant
let foreignConversationId: string
let adminToken: string
beforeAll(async () => {
  system = await startSystem()
  await using owner = await join(system.gatewayUrls[0], 'owner')
  stranger = await join(system.gatewayUrls[1], 'stranger')
  const conversation = await owner.invoke<Conversation>('CreateConversation', { kind: 'group', memberIds: [] })
  foreignConversationId = conversation.id
  adminToken = (await signIn(system.gatewayUrls[0], 'administrator', { admin: true })).accessToken
}, 120_000)
afterAll(async () => {
  await stranger?.[Symbol.asyncDispose]()
  await system?.[Symbol.asyncDispose]()
})

/** A value for every field that operations have: whole, but naming things that are not there. */
const plausible: Record<string, unknown> = {
  conversationId: randomUUID(),
  userId: randomUUID(),
  userIds: [randomUUID()],
  memberIds: [randomUUID()],
  id: uuidv7(),
  messageId: uuidv7(),
  kind: 'group',
  title: 'A title',
  text: 'A text',
  emoji: '👍',
  sequence: 1,
  role: 'member',
  until: null,
  status: 'busy',
  visibleTo: 'everyone',
  displayName: 'A name',
  query: 'a',
  name: 'file.txt',
  type: 'text/plain',
  size: 10,
  messageDays: 365,
  fileDays: null,
  reason: 'A reason',
  holdId: randomUUID(),
}

function plausibleInput(declared: Operation): Record<string, unknown> {
  const fields = Object.keys(declared.input.shape).filter((field) => field in plausible)
  return Object.fromEntries(fields.map((field) => [field, plausible[field]]))
}

/** Inputs that are wrong in one place, with what is wrong. */
function wrongInputs(declared: Operation): [string, unknown][] {
  const good = plausibleInput(declared)
  const wrongValues = [7.5, 'x\u0000', '', null, true, [], {}, [[[[]]]], 'x'.repeat(20_000), -1, 2 ** 60, '__proto__']
  return [
    ['an unknown field', { ...good, unknownField: 1 }],
    ...Object.keys(declared.input.shape).flatMap((field): [string, unknown][] => [
      ...wrongValues.map((value): [string, unknown] => [
        `${field}: ${JSON.stringify(value).slice(0, 30)}`,
        { ...good, [field]: value },
      ]),
      [`no ${field}`, Object.fromEntries(Object.entries(good).filter(([name]) => name !== field))],
    ]),
  ]
}

const named = Object.entries<Operation>(operations)
const codeOf = (error: unknown): string => /^(\w+): /.exec((error as Error).message)?.[1] ?? (error as Error).message

describe.each(named.filter(([, { hub }]) => hub !== undefined))('%s on the hub', (_, declared) => {
  test('answers every wrong input with a code', async () => {
    for (const [what, input] of [...wrongInputs(declared), ['no object', 'text'], ['a list', []]] as const) {
      const code = await stranger.connection.invoke(declared.hub!, input).then(() => 'done', codeOf)
      if (code !== 'done') expect(refusals, `${what} is answered with ${code}`).toHaveProperty(code)
      expect(['internal', 'unavailable'], what).not.toContain(code)
    }
  })

  test('answers the same for what is not there and for what is not theirs', async () => {
    if (!('conversationId' in declared.input.shape)) return
    const good = plausibleInput(declared)
    const absent = await stranger.connection.invoke(declared.hub!, good).then(() => 'done', String)
    const foreign = await stranger.connection
      .invoke(declared.hub!, { ...good, conversationId: foreignConversationId })
      .then(() => 'done', String)
    expect(foreign).toBe(absent)
    expect(foreign).toContain('not_a_member: ')
  })
})

test('a second argument on the hub is refused: it would not be looked at', async () => {
  await expect(stranger.connection.invoke('GetMe', {}, {})).rejects.toThrow('invalid_input: ')
})

describe.each(named.filter(([, { rest }]) => rest !== undefined))('%s by REST', (name, declared) => {
  const [method = '', template = ''] = declared.rest!.split(' ')

  async function ask(input: Record<string, unknown>) {
    // Who may not ask at all is refused before the input is looked at.
    const accessToken = access[name as OperationName].scope === 'admin' ? adminToken : stranger.accessToken
    const left = { ...input }
    const path = template.replace(/\{(\w+)\}/g, (_match, field: string) => {
      const value = left[field]
      delete left[field]
      return encodeURIComponent(typeof value === 'string' ? value : JSON.stringify(value))
    })
    const hasBody = method !== 'GET' && method !== 'DELETE'
    const query = new URLSearchParams(Object.entries(left).map(([name, value]) => [name, String(value)]))
    const response = await fetch(`${system.gatewayUrls[0]}/api/v1${path}${hasBody ? '' : `?${query.toString()}`}`, {
      method,
      redirect: 'manual',
      headers: { authorization: `Bearer ${accessToken}`, 'content-type': 'application/json' },
      ...(hasBody ? { body: JSON.stringify(left) } : {}),
    })
    return { status: response.status, body: (await response.json().catch(() => ({}))) as { code?: string } }
  }

  test('answers every wrong input with a code, and never with a 500', async () => {
    for (const [what, input] of wrongInputs(declared)) {
      const { status, body } = await ask(input as Record<string, unknown>)
      expect(status, what).toBeLessThan(500)
      if (status >= 400) expect(refusals, what).toHaveProperty(String(body.code))
    }
  })

  test.skipIf(isForAnyone(name as OperationName))('needs a token', async () => {
    const response = await fetch(`${system.gatewayUrls[0]}/api/v1${template.replace(/\{\w+\}/g, randomUUID())}`, {
      method,
    })
    expect(response.status).toBe(401)
    expect(await response.json()).toMatchObject({ code: 'unauthenticated' })
  })
})
