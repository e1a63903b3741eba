import { createHash, randomBytes } from 'node:crypto'
import { AckPolicy, connect } from 'nats'
import type { Conversation, Message } from '@parley/protocol'
import { v7 as uuidv7 } from 'uuid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { join } from '../src/participant.ts'
import { startSystem, type System } from '../src/start-system.ts'

let system: System
beforeAll(async () => {
  system = await startSystem()
}, 180_000)
afterAll(() => system?.[Symbol.asyncDispose]())

describe('another service', () => {
  test('hears of every message through a durable consumer of its own, also of those sent while it was away', async () => {
    await using alice = await join(system.gatewayUrls[0], 'alice')
    const { id: conversationId } = await alice.invoke<Conversation>('CreateConversation', {
      kind: 'group',
      memberIds: [],
    })
    const nats = await connect({ servers: new URL(system.natsUrl).host })
    try {
      const manager = await nats.jetstreamManager()
      await manager.consumers.add('MESSAGING', {
        durable_name: 'outsider',
        ack_policy: AckPolicy.Explicit,
        filter_subject: `messaging.event.message-created.${conversationId}`,
      })
      for (let number = 1; number <= 20; number += 1) await alice.say(conversationId, `${number}`)
      const consumer = await nats.jetstream().consumers.get('MESSAGING', 'outsider')
      const byVersion = new Map<number, string>()
      await expect
        .poll(
          async () => {
            for await (const message of await consumer.fetch({ max_messages: 50, expires: 1_000 })) {
              const event = message.json<{ version: number; message: { text: string } }>()
              byVersion.set(event.version, event.message.text)
              message.ack()
            }
            return byVersion.size
          },
          { timeout: 20_000 },
        )
        .toBe(20)
      const ordered = [...byVersion].toSorted(([a], [b]) => a - b)
      expect(ordered.map(([, text]) => text)).toEqual(Array.from({ length: 20 }, (_, index) => `${index + 1}`))
    } finally {
      await nats.close()
    }
  })
})

describe('a file', () => {
  test('goes straight to S3 and comes back from there, for members only', async () => {
    const [url] = system.gatewayUrls
    await using alice = await join(url, 'alice with a file')
    await using bob = await join(url, 'bob with a file')
    await using eve = await join(url, 'eve without')
    const { id: conversationId } = await alice.invoke<Conversation>('CreateConversation', {
      kind: 'direct',
      memberIds: [bob.user.id],
    })
    const ask = (token: string, path: string, body?: object) =>
      fetch(`${url}/api/v1${path}`, {
        method: body === undefined ? 'GET' : 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', accept: 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
    const content = 'a file that no service has touched\n'
    const reserved = await ask(alice.accessToken, '/media/uploads', {
      conversationId,
      name: 'notes.txt',
      type: 'text/plain',
      size: content.length,
    })
    expect(reserved.status).toBe(200)
    const { upload, form } = (await reserved.json()) as {
      upload: { id: string }
      form: { url: string; fields: Record<string, string> }
    }
    const data = new FormData()
    for (const [name, value] of Object.entries(form.fields)) data.append(name, value)
    data.append('file', new Blob([content], { type: 'text/plain' }), 'notes.txt')
    expect((await fetch(form.url, { method: 'POST', body: data })).ok).toBe(true)
    const completed = await ask(alice.accessToken, `/media/uploads/${upload.id}/complete`, {})
    expect(await completed.json()).toMatchObject({ id: upload.id, state: 'ready' })

    expect(await (await ask(bob.accessToken, `/media/${upload.id}`)).json()).toMatchObject({ code: 'upload_not_found' })
    await alice.invoke('SendMessage', { conversationId, id: uuidv7(), text: '', attachments: [upload.id] })
    const link = (await (await ask(bob.accessToken, `/media/${upload.id}`)).json()) as { url: string }
    const downloaded = await fetch(link.url)
    expect(await downloaded.text()).toBe(content)
    expect(downloaded.headers.get('content-disposition')).toContain('attachment')
    expect(await (await ask(eve.accessToken, `/media/${upload.id}`)).json()).toMatchObject({ code: 'upload_not_found' })
  })
})

describe('an OAuth client', () => {
  test('signs a person in through the gateway, by authorization code with PKCE, and the gateway accepts the token', async () => {
    const [url] = system.gatewayUrls
    const discovery = (await (await fetch(`${url}/.well-known/openid-configuration`)).json()) as Record<string, string>
    expect(discovery).toMatchObject({ issuer: url, code_challenge_methods_supported: ['S256'] })

    const verifier = randomBytes(32).toString('base64url')
    const redirectUri = 'http://127.0.0.1:9999/callback'
    const asked = new URLSearchParams({
      client_id: 'parley-web',
      response_type: 'code',
      redirect_uri: redirectUri,
      scope: 'openid',
      state: 'a state',
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
    })
    const browse = browser()
    const page = await browse(`${discovery['authorization_endpoint']}?${asked.toString()}`)
    const [, action = ''] = /<form[^>]*action="([^"]+)"/.exec(await page.response.text()) ?? []
    const signedIn = await browse(new URL(action, page.url).href, new URLSearchParams({ name: 'Alice by OAuth' }))
    const back = new URL(signedIn.url)
    expect(`${back.origin}${back.pathname}`).toBe(redirectUri)
    expect(back.searchParams.get('state')).toBe('a state')

    const exchanged = await fetch(discovery['token_endpoint'] ?? '', {
      method: 'POST',
      body: new URLSearchParams({
        client_id: 'parley-web',
        grant_type: 'authorization_code',
        code: back.searchParams.get('code') ?? '',
        redirect_uri: redirectUri,
        code_verifier: verifier,
      }),
    })
    const { access_token: accessToken } = (await exchanged.json()) as { access_token: string }
    const me = await fetch(`${url}/api/v1/me`, { headers: { authorization: `Bearer ${accessToken}` } })
    expect(await me.json()).toMatchObject({ displayName: 'Alice by OAuth' })
  })
})

/** Follows redirects with cookies, as far as the pages of Parley go. */
function browser() {
  const [url] = system.gatewayUrls
  const cookies = new Map<string, string>()
  return async (start: string, form?: URLSearchParams): Promise<{ url: string; response: Response }> => {
    let at = start
    let body = form
    for (;;) {
      const response = await fetch(at, {
        redirect: 'manual',
        headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
        ...(body === undefined ? {} : { method: 'POST', body }),
      })
      for (const cookie of response.headers.getSetCookie()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? []
        cookies.set(name, value)
      }
      const location = response.headers.get('location')
      if (location === null) return { url: at, response }
      at = new URL(location, at).href
      body = undefined
      if (!at.startsWith(url)) return { url: at, response }
    }
  }
}

test('a message sent by REST reaches the hub, and history by REST has it', async () => {
  const [firstUrl, secondUrl] = system.gatewayUrls
  await using alice = await join(secondUrl, 'alice by hub')
  const { id: conversationId } = await alice.invoke<Conversation>('CreateConversation', {
    kind: 'group',
    memberIds: [],
  })
  const id = uuidv7()
  const path = `${firstUrl}/api/v1/conversations/${conversationId}/messages`
  const headers = { authorization: `Bearer ${alice.accessToken}`, 'content-type': 'application/json' }
  const sent = await fetch(path, { method: 'POST', headers, body: JSON.stringify({ id, text: 'by REST' }) })
  expect(await sent.json()).toMatchObject({ id, sequence: 1, duplicate: false })
  await expect.poll(() => alice.heard.map((message) => message.id)).toEqual([id])
  const history = (await (await fetch(path, { headers })).json()) as { messages: Message[] }
  expect(history.messages).toEqual(alice.heard)
})
