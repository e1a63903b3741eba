import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { connect } from 'nats'
import pg from 'pg'
import type { AgingSystem } from './start-aging-system.ts'

/** Where one of the words was found, such as `postgres messaging.messages: secret`. */
export type Found = string

/** Looks for words in everything that is stored anywhere, as it is stored: tables, streams, Redis, the bucket, the logs. */
export async function searchStores(system: AgingSystem, words: readonly string[]): Promise<Found[]> {
  const found = new Set<Found>()
  const look = (place: string, content: string | Buffer) => {
    for (const word of words) if (content.includes(word)) found.add(`${place}: ${word}`)
  }
  await Promise.all([
    searchPostgres(system.adminUrl, words, found),
    searchStreams(system.natsUrl, look),
    searchRedis(system.redisUrl, look),
    searchBucket(system, look),
    searchLogs(system.logDirectory, look),
  ])
  return [...found].toSorted()
}

type Look = (place: string, content: string | Buffer) => void

async function searchPostgres(adminUrl: string, words: readonly string[], found: Set<Found>): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl })
  await client.connect()
  try {
    const { rows: tables } = await client.query<{ name: string }>(`
      select format('%I.%I', schemaname, tablename) as name from pg_tables
      where schemaname not in ('pg_catalog', 'information_schema')`)
    for (const { name } of tables) {
      const { rows } = await client.query<{ word: string }>(
        `select word from unnest($1::text[]) word
         where exists (select from ${name} stored where position(word in stored::text) > 0)`,
        [words],
      )
      for (const { word } of rows) found.add(`postgres ${name}: ${word}`)
    }
  } finally {
    await client.end()
  }
}

async function searchStreams(natsUrl: string, look: Look): Promise<void> {
  const nats = await connect({ servers: new URL(natsUrl).host })
  try {
    const { streams } = await nats.jetstreamManager()
    for (const { config, state } of await streams.list().next()) {
      const deleted = new Set((await streams.info(config.name, { deleted_details: true })).state.deleted)
      for (let seq = state.first_seq; seq <= state.last_seq; seq += 1) {
        if (deleted.has(seq)) continue
        const { subject, data } = await streams.getMessage(config.name, { seq })
        look(`stream ${config.name}`, subject)
        look(`stream ${config.name}`, Buffer.from(data))
      }
    }
  } finally {
    await nats.close()
  }
}

async function searchRedis(redisUrl: string, look: Look): Promise<void> {
  const redis = new Redis(redisUrl)
  try {
    for await (const keys of redis.scanStream()) {
      for (const key of keys as string[]) {
        look('redis', key)
        look('redis', JSON.stringify(await valueOf(redis, key)))
      }
    }
  } finally {
    redis.disconnect()
  }
}

async function valueOf(redis: Redis, key: string): Promise<unknown> {
  switch (await redis.type(key)) {
    case 'string':
      return redis.get(key)
    case 'hash':
      return redis.hgetall(key)
    case 'set':
      return redis.smembers(key)
    case 'zset':
      return redis.zrange(key, '0', '-1')
    case 'list':
      return redis.lrange(key, 0, -1)
    case 'none':
      return null
    default:
      throw new Error(`${key} is of a type that nobody looks into`)
  }
}

async function searchBucket({ bucket }: AgingSystem, look: Look): Promise<void> {
  for (const key of await bucket.listKeys()) {
    look('bucket', key)
    // It may go meanwhile.
    look('bucket', await bucket.read(key).catch(() => Buffer.of()))
  }
}

async function searchLogs(directory: string, look: Look): Promise<void> {
  for (const file of await readdir(directory)) look(`log ${file}`, await readFile(join(directory, file), 'utf8'))
}
