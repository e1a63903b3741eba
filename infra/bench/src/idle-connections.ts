import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { v7 } from 'uuid'
import { startBareWebSockets } from './bare-web-sockets.ts'
import { fillConversations } from './fill-conversations.ts'
import { startLoad, type Load } from './load/start-load.ts'
import { cpuSeconds, residentBytes } from './process-usage.ts'
import { figuresFile, machine, table, writeFigures } from './report.ts'
import { ISSUER, startChat } from './start-chat.ts'

const { values } = parseArgs({
  options: {
    gateways: { type: 'string', default: '1' },
    connections: { type: 'string', default: '15000' },
    /** Conversations of each user, and members of each, besides the channel of all. */
    conversations: { type: 'string', default: '20' },
    members: { type: 'string', default: '50' },
    messages: { type: 'string', default: '5' },
    'idle-seconds': { type: 'string', default: '30' },
    /** Flags of Node for the gateways and for the plain WebSockets, separated by spaces. */
    flags: { type: 'string', default: '' },
    json: { type: 'string', default: figuresFile('idle-connections') },
  },
})

const gateways = Number(values.gateways)
const connections = Number(values.connections)
const flags = values.flags.split(' ').filter((flag) => flag !== '')
const idleMs = Number(values['idle-seconds']) * 1_000
const BROADCAST_TIMEOUT_MS = 30_000
/** Services that have just started, or been busy, are still tidying up. */
const QUIET_MS = 5_000

const say = (line: string) => console.log(line)

interface Sides {
  readonly bytesPerConnection: number
  readonly handshakesPerCoreSecond: number
  readonly handshakesPerSecond: number
  readonly toldToComeLater: number
  readonly idleCorePercent: number
  readonly lastReceiverMs: readonly number[]
  readonly deliveries: readonly number[]
  readonly lost: number
}

/** Connects all to the processes, lets them idle, and has messages sent to everybody. */
async function measure(options: {
  pids: readonly number[]
  clients: number
  connect: () => Promise<Load>
  broadcast: (load: Load, marker: string) => ReturnType<Load['broadcast']>
  whenConnected?: () => Promise<void>
}): Promise<Sides> {
  const { pids, clients } = options
  const sumOf = async (measured: (pid: number) => Promise<number>) =>
    (await Promise.all(pids.map(measured))).reduce((sum, one) => sum + one, 0)
  const [bytesBefore, cpuBefore] = [await sumOf(residentBytes), await sumOf(cpuSeconds)]
  await using load = await options.connect()
  const cpuConnected = await sumOf(cpuSeconds)
  await options.whenConnected?.()
  await delay(idleMs)
  const [bytesIdle, cpuIdle] = [await sumOf(residentBytes), await sumOf(cpuSeconds)]
  const heard = []
  for (let message = 0; message < Number(values.messages); message++) {
    heard.push(await options.broadcast(load, `to all of them ${randomUUID()}`))
    await delay(1_000)
  }
  return {
    bytesPerConnection: (bytesIdle - bytesBefore) / clients,
    handshakesPerCoreSecond: clients / (cpuConnected - cpuBefore),
    handshakesPerSecond: clients / load.connectSeconds,
    toldToComeLater: load.triedAgain,
    idleCorePercent: ((cpuIdle - cpuConnected) / (idleMs / 1_000)) * 100,
    lastReceiverMs: heard.map(({ lastAfterMs }) => lastAfterMs),
    deliveries: heard.map(({ deliveries }) => deliveries),
    lost: heard.at(-1)?.lost ?? 0,
  }
}

async function measureChat(): Promise<Sides & { othersCpuSeconds: Record<string, number> }> {
  say(`starting ${gateways} gateways ${flags.join(' ')}`)
  await using chat = await startChat({ gateways, gatewayFlags: flags })
  const userIds = Array.from({ length: connections }, () => randomUUID())
  say('making conversations')
  const channelId = await fillConversations(chat.bus, {
    userIds,
    perUser: Number(values.conversations),
    members: Number(values.members),
  })
  await delay(QUIET_MS)
  say(`connecting ${connections} clients to the gateways`)
  const others = chat.serving.filter(({ pid }) => !chat.gateways.some((gateway) => gateway.pid === pid))
  const cpuOf = async () => Promise.all(others.map(async ({ name, pid }) => [name, await cpuSeconds(pid)] as const))
  const before = new Map(await cpuOf())
  let othersCpuSeconds: Record<string, number> = {}
  const sides = await measure({
    pids: chat.gateways.map(({ pid }) => pid),
    clients: connections,
    connect: () =>
      startLoad({
        ports: chat.gateways.map(({ port }) => port),
        connections,
        users: { issuer: ISSUER, privateKey: chat.issuer.privateKey, userIds },
      }),
    async whenConnected() {
      const spent = (await cpuOf()).map(([name, seconds]) => [name, seconds - (before.get(name) ?? 0)] as const)
      othersCpuSeconds = Object.fromEntries(spent)
    },
    broadcast: (load, marker) =>
      load.broadcast({
        marker,
        send: (first) => first.send({ conversationId: channelId, id: v7(), text: marker }),
        timeoutMs: BROADCAST_TIMEOUT_MS,
      }),
  })
  return { ...sides, othersCpuSeconds }
}

/** As many as one gateway has. */
async function measureBare(): Promise<Sides> {
  const clients = Math.floor(connections / gateways)
  say(`connecting ${clients} clients to plain WebSockets`)
  await using bare = await startBareWebSockets(flags)
  await delay(QUIET_MS)
  return await measure({
    pids: [bare.pid],
    clients,
    connect: () => startLoad({ ports: [bare.port], connections: clients, users: null }),
    broadcast: (load, marker) =>
      load.broadcast({ marker, send: () => bare.broadcast(marker), timeoutMs: BROADCAST_TIMEOUT_MS }),
  })
}

const startedMs = performance.now()
const chat = await measureChat()
const bare = await measureBare()
const row = (name: string, of: (sides: Sides) => string | number) => [name, of(chat), of(bare)]
const all = ({ deliveries }: Sides, expected: number) =>
  deliveries.every((count) => count === expected) ? `all ${expected}` : deliveries.join(' ')
const sorted = ({ lastReceiverMs }: Sides) => lastReceiverMs.toSorted((one, other) => one - other)

say(`
${table([
  [`${connections} connections`, `${gateways} gateways`, 'plain ws'],
  row('bytes per connection (RSS)', ({ bytesPerConnection }) => bytesPerConnection),
  row('handshakes per core second', ({ handshakesPerCoreSecond }) => handshakesPerCoreSecond),
  row('handshakes per second', ({ handshakesPerSecond }) => handshakesPerSecond),
  row('told to come later', ({ toldToComeLater }) => toldToComeLater),
  row('% of a core while idle', ({ idleCorePercent }) => idleCorePercent),
  row('last receiver of a message, ms, median', (sides) => sorted(sides)[sides.lastReceiverMs.length >> 1] ?? 0),
  row('  worst', (sides) => sorted(sides).at(-1) ?? 0),
  ['deliveries', all(chat, connections), all(bare, Math.floor(connections / gateways))],
  row('connections lost', ({ lost }) => lost),
])}

Core seconds of the others while all connected: ${JSON.stringify(chat.othersCpuSeconds)}
Load of this machine: ${JSON.stringify(machine().load)}; ${Math.round((performance.now() - startedMs) / 1_000)} s in all`)
await writeFigures(values.json, { options: values, chat, bare })
