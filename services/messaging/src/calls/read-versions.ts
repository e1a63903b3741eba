import type { Handler } from '@parley/bus'
import { conversationTopic, userTopic, type messaging } from '@parley/contracts'
import type { Db } from '../store/tables.ts'
import { conversationVersions, membershipVersions } from '../store/versions.ts'

export function readVersions({ db }: { db: Db }): Handler<(typeof messaging)['calls']['readVersions']> {
  return async ({ topics }) => {
    const idsOf = (kind: string) => topics.filter((topic) => topic.startsWith(kind)).map((topic) => topic.slice(2))
    const [conversations, users] = await Promise.all([
      conversationVersions(db, idsOf('c:')),
      membershipVersions(db, idsOf('u:')),
    ])
    const versions = new Map([
      ...conversations.entries().map(([id, version]) => [conversationTopic(id), version] as const),
      ...users.entries().map(([id, version]) => [userTopic(id), version] as const),
    ])
    return { versions: topics.map((topic) => versions.get(topic) ?? 0) }
  }
}
