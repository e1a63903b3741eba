import { connect, type Socket } from 'node:net'

const CONNECT_TIMEOUT_MS = 3_000
/** An answer of clamd is one short line. */
const MOST_ANSWER_BYTES = 4 * 1024

/** What clamd answers on a connection for this alone to what `send` sends. What comes after it is not read. */
export async function askClamd(
  url: URL,
  signal: AbortSignal,
  send: (clamd: Socket, answer: Promise<string>) => Promise<void>,
): Promise<string> {
  signal.throwIfAborted()
  const clamd = connectTo(url)
  const answer = readAnswer(clamd)
  // Told only when it is waited for.
  answer.catch(() => undefined)
  const giveUp = () => clamd.destroy(signal.reason as Error)
  signal.addEventListener('abort', giveUp, { once: true })
  try {
    await connected(clamd)
    await send(clamd, answer)
    return await answer
  } finally {
    signal.removeEventListener('abort', giveUp)
    clamd.destroy()
  }
}

/** It had more to come when it was gone: what it said before may not have been read. */
export const hungUpOnWriting = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'EPIPE' || error.code === 'ECONNRESET')

function connectTo({ protocol, hostname, port, pathname }: URL): Socket {
  if (protocol === 'unix:') return connect({ path: decodeURIComponent(pathname) })
  // An IPv6 address stands in brackets.
  return connect({ host: hostname.replace(/^\[(.+)\]$/, '$1'), port: Number(port || '3310') })
}

async function connected(clamd: Socket): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const timer = setTimeout(() => clamd.destroy(new Error('clamd does not answer')), CONNECT_TIMEOUT_MS)
  clamd.once('connect', resolve)
  clamd.once('error', reject)
  try {
    await promise
  } finally {
    clearTimeout(timer)
  }
}

/** The line that clamd says, however much of the content it has taken by then. */
function readAnswer(clamd: Socket): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  let answer = ''
  let failure: Error | undefined
  clamd.on('data', (data) => {
    answer += data.toString('latin1')
    const end = answer.indexOf('\0')
    if (end >= 0) resolve(answer.slice(0, end))
    else if (answer.length > MOST_ANSWER_BYTES) clamd.destroy(new Error('clamd answers without end'))
  })
  clamd.on('error', (error) => (failure ??= error))
  clamd.once('close', () => reject(failure ?? new Error('clamd hung up without an answer')))
  return promise
}
