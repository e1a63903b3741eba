import { Redis, type ChainableCommander } from 'ioredis'
import type { Logger } from '@parley/runtime'
import type { Script } from './redis-script.ts'

/**
 * A connection to Redis that may be away at any time, also at the start. Commands fail at once while it is away and within
 * the time-out while it does not answer; none is ever sent twice.
 */
export interface RedisConnection extends AsyncDisposable {
  readonly client: Redis
  /** Whether it is worth asking. */
  readonly available: boolean
  /** Another one after each restart of the server, which may have brought back old data: 20 bits of its run id. */
  readonly run: number
  /** Called when Redis can be asked: at the start and after each loss. What was sent before has been done or never will be. */
  onAvailable(listener: () => void): void
  onLost(listener: () => void): void
  /** Sends what `fill` adds in one go and in this order; throws the first error of them. */
  pipeline(fill: (pipeline: ChainableCommander) => void): Promise<unknown[]>
  /** Resolves when Redis answers. A health check. */
  check(): Promise<void>
}

const CONNECT_TIMEOUT_MS = 2_000
const COMMAND_TIMEOUT_MS = 1_000
/** A connection that says nothing for so long is given up: the server may have moved. */
const SILENCE_TIMEOUT_MS = 5_000
const KEEP_ALIVE_MS = 5_000
const RETRY_FROM_MS = 50
const RETRY_TO_MS = 1_000

export async function openRedis(options: {
  url: string
  name: string
  log: Logger
  scripts?: readonly Script[]
  commandTimeoutMs?: number
}): Promise<RedisConnection> {
  const { log, scripts = [] } = options
  const commandTimeoutMs = options.commandTimeoutMs ?? COMMAND_TIMEOUT_MS
  const client = new Redis(options.url, {
    connectionName: options.name,
    connectTimeout: CONNECT_TIMEOUT_MS,
    commandTimeout: commandTimeoutMs,
    socketTimeout: Math.max(SILENCE_TIMEOUT_MS, 2 * commandTimeoutMs),
    keepAlive: KEEP_ALIVE_MS,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    retryStrategy: (attempt) => Math.random() * Math.min(RETRY_FROM_MS * 2 ** attempt, RETRY_TO_MS),
  })
  const availableListeners: (() => void)[] = []
  const lostListeners: (() => void)[] = []
  const firstOutcome = Promise.withResolvers<void>()
  let available = false
  let failing = false
  let previous: { connectionId: number; server: string } | undefined
  let preparing: Promise<void> = Promise.resolve()

  // Without a listener an error would end the process. While Redis is away each attempt is one; the first says it all.
  client.on('error', (error: Error) => {
    if (!failing) log.warn({ error }, 'redis is away')
    failing = true
    firstOutcome.resolve()
  })
  client.on('ready', () => {
    preparing = prepare()
  })
  client.on('close', () => {
    if (!available) return
    available = false
    for (const listener of lostListeners) listener()
  })

  async function prepare(): Promise<void> {
    try {
      await cutOffPrevious()
      await pipeline((commands) => scripts.forEach(({ lua }) => commands.script('LOAD', lua)))
      if (client.status !== 'ready') return
      if (failing) log.info('redis is back')
      failing = false
      available = true
      for (const listener of availableListeners) listener()
    } catch (error) {
      log.warn({ error }, 'redis connection could not be prepared')
      if (client.status === 'ready') client.disconnect(true)
    } finally {
      firstOutcome.resolve()
    }
  }

  /**
   * What was sent on a lost connection may still lie in the server's buffers, or on the way, and be done after what is sent
   * on the new one: an old removal after a newer add. Closing the old connection on the server puts an end to that.
   */
  async function cutOffPrevious(): Promise<void> {
    const connectionId = await client.client('ID')
    const server = /^run_id:(\w+)/m.exec(await client.info('server'))?.[1] ?? ''
    if (previous?.server === server && previous.connectionId !== connectionId) {
      await client.client('KILL', 'ID', previous.connectionId)
    }
    previous = { connectionId, server }
  }

  async function pipeline(fill: (pipeline: ChainableCommander) => void): Promise<unknown[]> {
    const commands = client.pipeline()
    fill(commands)
    if (commands.length === 0) return []
    const results = (await commands.exec()) ?? []
    return results.map(([error, value]) => {
      if (error === null) return value
      // Someone has flushed the scripts: a new connection loads them again.
      if (error.message.startsWith('NOSCRIPT')) client.disconnect(true)
      throw error
    })
  }

  // An absent Redis must not keep a process from starting; a present one should be known before the first question.
  await firstOutcome.promise

  return {
    client,
    get available() {
      return available
    },
    get run() {
      return Number.parseInt(previous?.server.slice(0, 5) ?? '0', 16) || 0
    },
    onAvailable: (listener) => void availableListeners.push(listener),
    onLost: (listener) => void lostListeners.push(listener),
    pipeline,
    async check() {
      await client.ping()
    },
    async [Symbol.asyncDispose]() {
      available = false
      client.disconnect()
      await preparing
    },
  }
}
