import { createPrivateKey } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import jwt from 'jsonwebtoken'
import { sideBySide } from '../side-by-side.ts'
import { HUB_PING, LoadClient, type LoadTarget } from './load-client.ts'
import type { Answer, Order } from './orders.ts'
import { clientFrame, TEXT } from './web-socket-frames.ts'

type Preparing = Extract<Order, { do: 'prepare' }>

/** Clients ping this often, each at its own moment. */
const PING_EVERY_MS = 15_000
const SLICES = 150
/** Whoever is told to come later comes within this. */
const LATER_MS = 1_000
const INVOCATION_ID = 'bench'
const COMPLETION = `"invocationId":"${INVOCATION_ID}"`

let prepared: { targets: readonly LoadTarget[]; atOnce: number } = { targets: [], atOnce: 1 }
const clients: LoadClient[] = []
let slice = 0
let marker: string | undefined
let heard = 0
let lastAtNs = 0n
let pinging: NodeJS.Timeout | undefined

const answer = (told: Answer): void => void process.send?.(told)

process.on('message', (order: Order) => void perform(order))
// The bench is gone.
process.on('disconnect', () => process.exit(0))

async function perform(order: Order): Promise<void> {
  if (order.do === 'prepare') prepare(order)
  else if (order.do === 'connect') await connect()
  else if (order.do === 'listen') {
    marker = order.marker
    heard = 0
    answer({ told: 'listening' })
  } else if (order.do === 'send') {
    const invocation = { type: 1, invocationId: INVOCATION_ID, target: 'SendMessage', arguments: [order.input] }
    const frame = clientFrame(TEXT, `${JSON.stringify(invocation)}\x1e`)
    answer({ told: 'sent', atNs: String(process.hrtime.bigint()) })
    clients[0]?.write(frame)
  } else if (order.do === 'tell') {
    const lost = clients.filter(({ isLost }) => isLost).length
    answer({ told: 'heard', count: heard, lastAtNs: String(lastAtNs), lost })
  } else {
    clearInterval(pinging)
    for (const client of clients) client.close()
    process.disconnect?.()
  }
}

function hear(payload: Buffer): void {
  if (payload.includes(COMPLETION) && payload.includes('"error":')) throw new Error(`not sent: ${payload.toString()}`)
  if (marker === undefined || !payload.includes(marker)) return
  const atNs = process.hrtime.bigint()
  for (const record of payload.toString().split('\x1e')) {
    // The sender is answered besides.
    if (!record.includes(marker) || record.includes(COMPLETION)) continue
    heard++
    lastAtNs = atNs
  }
}

function prepare({ ports, localAddress, signing, count, atOnce }: Preparing): void {
  const key = signing === null ? undefined : createPrivateKey(signing.privateKey)
  const iat = Math.floor(Date.now() / 1_000)
  const tokenOf = (index: number) => {
    if (signing === null || key === undefined) return undefined
    const claims = {
      iss: signing.issuer,
      aud: 'parley',
      sub: signing.userIds[index],
      iat,
      exp: iat + 3_600,
      jti: `bench-${index}`,
      client_id: 'bench',
    }
    return jwt.sign(claims, key, { algorithm: 'RS256', header: { alg: 'RS256', typ: 'at+jwt', kid: 'bench' } })
  }
  const targets = Array.from({ length: count }, (_, index) => ({
    port: ports[index % ports.length]!,
    localAddress,
    token: tokenOf(index),
  }))
  prepared = { targets, atOnce }
  answer({ told: 'prepared' })
}

async function connect(): Promise<void> {
  const { targets, atOnce } = prepared
  if (targets[0]?.token !== undefined) pinging = setInterval(pingSlice, PING_EVERY_MS / SLICES)
  let triedAgain = 0
  await sideBySide(targets.entries(), atOnce, async ([index, target]) => {
    for (;;) {
      const client = new LoadClient(target, hear)
      if ((await client.connected) === 'connected') {
        clients[index] = client
        return
      }
      triedAgain++
      await delay(Math.random() * LATER_MS)
    }
  })
  answer({ told: 'connected', triedAgain })
}

function pingSlice(): void {
  slice = (slice + 1) % SLICES
  for (let index = slice; index < clients.length; index += SLICES) clients[index]?.write(HUB_PING)
}
