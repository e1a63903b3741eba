import { readdir, readFile } from 'node:fs/promises'
import { join as joinPath } from 'node:path'
import type { Conversation } from '@parley/protocol'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { signInByOAuth } from '../src/oauth-session.ts'
import { join } from '../src/participant.ts'
import { startSystem, type System } from '../src/start-system.ts'

const CLIENT_SECRET = 'the secret of a service account, 32 or more'

let system: System
beforeAll(async () => {
  const account = { client_id: 'bot', grant_types: ['client_credentials'], client_secrets: [CLIENT_SECRET] }
  system = await startSystem({ environment: { AUTH_CLIENTS: JSON.stringify([{ ...account, scope: 'chat:read' }]) } })
}, 120_000)
afterAll(() => system?.[Symbol.asyncDispose]())

async function readLogs(): Promise<string> {
  const files = await readdir(system.logDirectory)
  return (await Promise.all(files.map((file) => readFile(joinPath(system.logDirectory, file), 'utf8')))).join('\n')
}

test('the logs hold request ids, and neither tokens nor what people say', async () => {
  const secretText = 'a secret that no log may hold'
  await using alice = await join(system.gatewayUrls[0], 'alice')
  const { id: conversationId } = await alice.invoke<Conversation>('CreateConversation', {
    kind: 'group',
    memberIds: [],
  })
  const sent = await alice.say(conversationId, secretText)
  const [url] = system.gatewayUrls
  const headers = { authorization: `Bearer ${alice.accessToken}`, 'x-request-id': 'request-to-be-found' }
  await fetch(`${url}/api/v1/conversations/${conversationId}/messages?access_token=${alice.accessToken}`, { headers })
  await fetch(`${url}/oauth/authorize?state=${alice.accessToken}`)
  await fetch(`${url}/hubs/chat?id=none&access_token=${alice.accessToken}`)
  await expect(alice.invoke('SendMessage', { conversationId, id: sent.id, text: `${secretText}!` })).rejects.toThrow()

  await expect.poll(readLogs).toContain('request-to-be-found')
  const logs = await readLogs()
  expect(logs).not.toContain('eyJ')
  expect(logs).not.toContain('a secret that no log')
})

test('the logs hold nothing by which somebody could sign in', async () => {
  const [url] = system.gatewayUrls
  const session = await signInByOAuth(url, 'bob')
  const spent = session.refreshToken
  await session.refresh()
  const headers = { authorization: `Bearer ${session.accessToken}` }
  const issued = await fetch(`${url}/api/v1/connection-tickets`, { method: 'POST', headers })
  const { ticket } = (await issued.json()) as { ticket: string }
  await fetch(`${url}/hubs/chat?access_token=${encodeURIComponent(ticket)}`, {
    signal: AbortSignal.timeout(500),
  }).catch(() => undefined)
  const grant = { grant_type: 'client_credentials', client_id: 'bot' }
  for (const secret of [CLIENT_SECRET, `${CLIENT_SECRET}, but wrong`]) {
    await fetch(`${url}/oauth/token`, {
      method: 'POST',
      body: new URLSearchParams({ ...grant, client_secret: secret }),
    })
  }
  const query = new URLSearchParams({ code: 'a code in a query', id_token_hint: session.accessToken })
  await fetch(`${url}/oauth/end-session?${query.toString()}`, {
    headers: { cookie: 'parley_session=a-session-cookie' },
  })
  await session.revoke(session.refreshToken)
  await fetch(`${url}/api/v1/${'x'.repeat(9_000)}`, { headers: { 'x-request-id': 'the-last-request' } })

  await expect.poll(readLogs).toContain('the-last-request')
  const logs = await readLogs()
  expect(logs).toContain('"code":"invalid_client"')
  for (const secret of [spent, session.refreshToken, ticket, CLIENT_SECRET, 'a code in', 'a-session-cookie', 'eyJ']) {
    expect(logs).not.toContain(secret)
  }
  expect(logs).not.toContain('x'.repeat(500))
})
