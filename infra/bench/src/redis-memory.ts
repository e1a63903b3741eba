import { parseArgs } from 'node:util'
import type { Cost } from './measure-operations.ts'
import { figuresFile, machine, table, writeFigures } from './report.ts'
import { runOnRedis } from './run-on-redis.ts'

const { values } = parseArgs({
  options: {
    users: { type: 'string', default: '1000000' },
    conversations: { type: 'string', default: '5000000' },
    gateways: { type: 'string', default: '50' },
    'per-user': { type: 'string', default: '20' },
    scale: { type: 'string', default: '1' },
    json: { type: 'string', default: figuresFile('redis-memory') },
  },
})

const CONNECTS_PER_SECOND = 3_300
const MESSAGES_PER_SECOND = 10_000

const scale = Number(values.scale)
const gateways = Number(values.gateways)
const figures = await runOnRedis({
  users: Math.round(Number(values.users) * scale),
  conversations: Math.round(Number(values.conversations) * scale),
  gateways,
  perUser: Number(values['per-user']),
  newcomers: 2_000,
  quietMs: 10_000,
  saturateMs: 3_000,
  say: (line) => console.log(line),
})

const { memory, costs, standing, capacities } = figures
const costNamed = (name: string) => costs.find((cost) => cost.name === name)!
const need = (name: string, perSecond: number, of: readonly Cost[]) => ({
  name,
  perSecond,
  commandsPerSecond: perSecond * of.reduce((sum, { commands }) => sum + commands, 0),
  percentOfCore: (perSecond * of.reduce((sum, { cpuUs }) => sum + cpuUs, 0)) / 10_000,
})
const [came, went] = [costNamed('presence, of who came'), costNamed('presence, of who went')]
const needs = [
  need('connects, topics new', CONNECTS_PER_SECOND, [costNamed('connect, topics new to the gateway'), came]),
  need('connects, topics known', CONNECTS_PER_SECOND, [costNamed('connect again, topics known'), came]),
  need('disconnects for good', CONNECTS_PER_SECOND, [
    costNamed('disconnect, for good'),
    costNamed('interest removed'),
    went,
  ]),
  need('messages', MESSAGES_PER_SECOND, [costNamed('message')]),
  need('gateways, whatever happens', gateways, [standing.gateway]),
  need('presence, whatever happens', 1, [standing.presence]),
  need('presence, after a gateway died', 1, [standing.search]),
]

console.log(`
${table([
  ['memory in Redis, bytes', 'here', 'target'],
  ['per online user', memory.perUser.online, '<= 150'],
  ['  hash', memory.perUser.hash, ''],
  ['  entry of its gateway', memory.perUser.gatewayEntry, ''],
  ['  own topic', memory.perUser.ownTopic, ''],
  ['  more, until presence has looked', memory.perUser.due, ''],
  [`per conversation (${memory.gatewaysPerConversation.toFixed(1)} gateways each)`, memory.perConversation, '<= 190'],
  ['in all, MiB', memory.usedBytes.loaded / 2 ** 20, ''],
])}

${table([
  ['what one Redis does at saturation', 'per second', 'per core second'],
  ...capacities.map(({ name, perSecond, perCoreSecond }) => [name, perSecond, perCoreSecond]),
])}

${table([
  ['what our code asks for', 'commands, in scripts too', 'core us'],
  ...[...costs, standing.gateway, standing.presence, standing.search].map(({ name, commands, cpuUs }) => [
    name,
    commands,
    cpuUs,
  ]),
])}

${table([
  ['what it needs', 'a second', 'commands/s', '% of a core'],
  ...needs.map(({ name, perSecond, commandsPerSecond, percentOfCore }) => [
    name,
    perSecond,
    commandsPerSecond,
    percentOfCore,
  ]),
])}
`)
await writeFigures(values.json, { ...figures, needs })
console.log(
  `Load of this machine: ${JSON.stringify(machine().load)}; doubts: ${figures.doubts}. Written to ${values.json}`,
)
