import { connect, type Socket } from 'node:net'
import type { Logger } from '@parley/runtime'
import type { Scanner } from './scanner.ts'

const CONNECT_TIMEOUT_MS = 3_000
const PING_TIMEOUT_MS = 3_000
/** An answer of clamd is one short line. */
const MOST_ANSWER_BYTES = 4 * 1024

/**
 * Scans by clamd's `INSTREAM`, with a connection for each file. The libraries that do this read clamd's answer only when all was
 * written, and so lose the one that says that a file is too large, after which clamd hangs up.
 */
export function openScanner(options: { url: string; timeoutMs: number; log: Logger }): Scanner {
  const { url, timeoutMs, log } = options
  const closing = new AbortController()

  async function ask(content: AsyncIterable<Uint8Array> | undefined, signal: AbortSignal): Promise<string> {
    const socket = connectTo(new URL(url), signal)
    const answer = readAnswer(socket)
    // Told only when it is waited for.
    answer.catch(() => undefined)
    try {
      await connected(socket)
      if (content === undefined) await write(socket, 'zPING\0')
      else await writeStream(socket, content, answer)
      return await answer
    } finally {
      socket.destroy()
    }
  }

  return {
    async scan(content, signal) {
      const stop = AbortSignal.any([signal, closing.signal, AbortSignal.timeout(timeoutMs)])
      const answer = await ask(content, stop)
      if (answer === 'stream: OK') return 'clean'
      const found = /^stream: (.+) FOUND$/.exec(answer)
      if (found) {
        log.warn({ signature: found[1] }, 'malware found in an upload')
        return 'infected'
      }
      if (answer === 'INSTREAM size limit exceeded. ERROR') {
        log.warn('an upload is larger than clamd takes: its StreamMaxLength should be as large as the largest file')
        return 'too_large_to_scan'
      }
      throw new Error(`clamd answered: ${answer.slice(0, 200)}`)
    },
    async check() {
      const answer = await ask(undefined, AbortSignal.any([closing.signal, AbortSignal.timeout(PING_TIMEOUT_MS)]))
      if (answer !== 'PONG') throw new Error(`clamd answered: ${answer.slice(0, 200)}`)
    },
    async [Symbol.asyncDispose]() {
      closing.abort(new Error('the scanner was closed'))
    },
  }
}

function connectTo({ protocol, hostname, port, pathname }: URL, signal: AbortSignal): Socket {
  signal.throwIfAborted()
  const socket =
    protocol === 'unix:' ? connect({ path: pathname }) : connect({ host: hostname, port: Number(port || '3310') })
  const giveUp = () => socket.destroy(signal.reason as Error)
  signal.addEventListener('abort', giveUp, { once: true })
  socket.once('close', () => signal.removeEventListener('abort', giveUp))
  return socket
}

async function connected(socket: Socket): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const timer = setTimeout(() => socket.destroy(new Error('clamd does not answer')), CONNECT_TIMEOUT_MS)
  socket.once('connect', resolve)
  socket.once('error', reject)
  try {
    await promise
  } finally {
    clearTimeout(timer)
  }
}

/** The line that clamd says, however much of the content it has taken by then. */
function readAnswer(socket: Socket): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  let answer = ''
  let failure: Error | undefined
  socket.on('data', (data) => {
    answer += data.toString('latin1')
    const end = answer.indexOf('\0')
    if (end >= 0) resolve(answer.slice(0, end))
    else if (answer.length > MOST_ANSWER_BYTES) socket.destroy(new Error('clamd answers without end'))
  })
  // It hangs up on who still writes: what it said before is read all the same.
  socket.on('error', (error) => (failure ??= error))
  socket.once('close', () => reject(failure ?? new Error('clamd hung up without an answer')))
  return promise
}

/** In chunks with their length before each, none after all. It ends early when clamd has answered, or is gone. */
async function writeStream(socket: Socket, content: AsyncIterable<Uint8Array>, answer: Promise<string>): Promise<void> {
  const chunks = content[Symbol.asyncIterator]()
  const over = answer.then(
    () => undefined,
    () => undefined,
  )
  await write(socket, 'zINSTREAM\0')
  for (;;) {
    const next = await Promise.race([chunks.next(), over])
    if (next === undefined) {
      // Who reads the content may be waiting for something itself.
      void Promise.resolve(chunks.return?.()).catch(() => undefined)
      return
    }
    const chunk = next.done === true ? NOTHING : next.value
    if (next.done !== true && chunk.length === 0) continue
    const header = Buffer.alloc(4)
    header.writeUInt32BE(chunk.length)
    socket.write(header)
    if (next.done === true) return
    if ((await Promise.race([write(socket, chunk), over])) === 'failed') return
  }
}

const NOTHING = new Uint8Array()

/** Resolves when the operating system has taken it: whatever waits, waits in the file. Why it failed, the answer says. */
async function write(socket: Socket, data: string | Uint8Array): Promise<'written' | 'failed'> {
  const { promise, resolve } = Promise.withResolvers<'written' | 'failed'>()
  socket.write(data, (error) => resolve(error ? 'failed' : 'written'))
  return promise
}
