import { randomUUID } from 'node:crypto'
import { vi } from 'vitest'
import { WebSocket } from 'ws'
import type { TestIssuer } from './test-issuer.ts'

/** A WebSocket to the hub that writes down what it hears, and when it was closed. */
export interface RawClient extends Disposable {
  readonly socket: WebSocket
  readonly userId: string
  readonly messages: readonly Record<string, unknown>[]
  readonly closedAtMs: number | undefined
  send(message: object): void
}

const SEPARATOR = '\u001e'
const CLOSE = 7

/** Resolves when the server has said `Welcome`. */
export async function connectRaw(
  { url, issuer }: { url: string; issuer: TestIssuer },
  userId: string = randomUUID(),
): Promise<RawClient> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/hubs/chat?access_token=${issuer.tokenFor(userId)}`)
  const messages: Record<string, unknown>[] = []
  let closedAtMs: number | undefined
  socket.on('error', () => {})
  socket.on('open', () => socket.send(`{"protocol":"json","version":1}${SEPARATOR}`))
  socket.on('message', (data: Buffer) => {
    for (const part of data.toString().split(SEPARATOR).filter(Boolean)) {
      const message = JSON.parse(part) as Record<string, unknown>
      messages.push(message)
      if (message['type'] === CLOSE) closedAtMs = performance.now()
    }
  })
  const client: RawClient = {
    socket,
    userId,
    messages,
    get closedAtMs() {
      return closedAtMs
    },
    send: (message) => socket.send(JSON.stringify(message) + SEPARATOR),
    [Symbol.dispose]: () => socket.terminate(),
  }
  await vi.waitUntil(() => messages.some(({ target }) => target === 'Welcome'), { timeout: 10_000 })
  return client
}
