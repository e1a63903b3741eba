import { parseArgs } from 'node:util'
import { loadHistory } from '@parley/local'

const YEAR_MS = 365 * 24 * 60 * 60 * 1_000

const { values } = parseArgs({
  options: {
    /** Of a migrated database, as the role `messaging`. */
    url: { type: 'string' },
    conversations: { type: 'string', default: '1000' },
    messages: { type: 'string', default: '1000000' },
    users: { type: 'string', default: '1000' },
    members: { type: 'string', default: '10' },
    /** Moments, such as 2024-11-23T00:00:00Z; two years up to now when not named. */
    from: { type: 'string' },
    to: { type: 'string' },
    /** Of all messages, from 0 to 1. */
    edits: { type: 'string', default: '0.02' },
    reactions: { type: 'string', default: '0.05' },
    attachments: { type: 'string', default: '0.05' },
    mentions: { type: 'string', default: '0.02' },
  },
})

if (values.url === undefined) throw new Error('--url is missing: of a migrated database, as the role messaging.')
const to = new Date(values.to ?? Date.now())
const from = new Date(values.from ?? to.getTime() - 2 * YEAR_MS)

const startedAt = performance.now()
const loaded = await loadHistory({
  url: values.url,
  conversations: Number(values.conversations),
  messages: Number(values.messages),
  users: Number(values.users),
  membersPerGroup: Number(values.members),
  from,
  to,
  shares: {
    edits: Number(values.edits),
    reactions: Number(values.reactions),
    attachments: Number(values.attachments),
    mentions: Number(values.mentions),
  },
})
const seconds = (performance.now() - startedAt) / 1_000
console.log(
  `${loaded.messages} messages in ${loaded.conversations.length} conversations, from ${from.toISOString()} to ${to.toISOString()}: ` +
    `${seconds.toFixed(1)} s, ${Math.round(loaded.messages / seconds)} messages/s`,
)
