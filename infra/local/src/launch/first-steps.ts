import { setTimeout as delay } from 'node:timers/promises'
import { StartProblem } from '../start-problem.ts'

const LOGIN_TIMEOUT_MS = 10_000
const POLL_MS = 100

/** Signs `alice` in, which goes through a gateway and `auth`: Parley works. */
export async function signInAlice(url: string, signal: AbortSignal): Promise<string> {
  const deadline = performance.now() + LOGIN_TIMEOUT_MS
  for (;;) {
    signal.throwIfAborted()
    const response = await fetch(`${url}/dev/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'alice' }),
      signal: AbortSignal.timeout(LOGIN_TIMEOUT_MS),
    })
    const body = await response.text()
    if (response.ok) return (JSON.parse(body) as { accessToken: string }).accessToken
    if (performance.now() > deadline) {
      throw new StartProblem(
        `Parley runs, but alice cannot sign in: POST /dev/login answers ${response.status} ${body}`,
      )
    }
    await delay(POLL_MS)
  }
}

/** What a newcomer reads at the end of a start. The example is for another terminal, in whatever folder that is. */
export function firstSteps(options: { clone: string; url: string; accessToken: string }): string {
  const { clone, url, accessToken } = options
  return `
Parley is ready: ${url}

A token for alice, good for ten minutes:
${accessToken}

Say something, with five lines in another terminal:

cd ${quoteForShell(clone)} && node_modules/.bin/node --input-type=module <<'EOF'
import { HubConnectionBuilder } from '@microsoft/signalr'; import { v7 as uuidv7 } from 'uuid'
const chat = new HubConnectionBuilder().withUrl('${url}/hubs/chat', { accessTokenFactory: () => '${accessToken}' }).build()
chat.on('MessageCreated', ({ text }) => console.log(text)); await chat.start()
const { id: conversationId } = await chat.invoke('CreateConversation', { kind: 'group', title: 'First steps', memberIds: [] })
await chat.invoke('SendMessage', { conversationId, id: uuidv7(), text: 'Hello, Parley!' }); setTimeout(() => chat.stop(), 500)
EOF

Ctrl-C stops everything.`
}

const quoteForShell = (path: string): string =>
  /^[\w/.@+-]+$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`
