import { readdir, readFile } from 'node:fs/promises'
import { join as joinPath } from 'node:path'
import type { Conversation } from '@parley/protocol'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { join } from '../src/participant.ts'
import { startSystem, type System } from '../src/start-system.ts'

let system: System
beforeAll(async () => {
  system = await startSystem()
}, 120_000)
afterAll(() => system?.[Symbol.asyncDispose]())

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

  const readLogs = async () => {
    const files = await readdir(system.logDirectory)
    return (await Promise.all(files.map((file) => readFile(joinPath(system.logDirectory, file), 'utf8')))).join('\n')
  }
  await expect.poll(readLogs).toContain('request-to-be-found')
  const logs = await readLogs()
  expect(logs).not.toContain('eyJ')
  expect(logs).not.toContain('a secret that no log')
})
