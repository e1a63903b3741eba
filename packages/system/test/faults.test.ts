import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Recording } from '../src/history/recording.ts'
import { seededRandom } from '../src/seeded-random.ts'
import { startFragileSystem, type FragileSystem } from '../src/start-fragile-system.ts'
import { witnessTalk } from '../src/witnessed-talk.ts'

let system: FragileSystem
beforeAll(async () => {
  system = await startFragileSystem({ seed })
}, 120_000)
afterAll(() => system?.[Symbol.asyncDispose]())

interface Fault {
  readonly name: string
  /** Breaks something; resolves when it is whole again. */
  readonly strike: () => Promise<void>
  /** Whether clients have noticed. Left out where they need not. */
  readonly wasFelt?: (recording: Recording) => boolean
}

const AWAY_MS = 3_000
const PATIENCE = { timeout: 20_000 }
const TEST_TIMEOUT_MS = 120_000
const PAIRS = 2

/** How much longer than usual it goes on, and what is drawn. */
const { FAULT_MINUTES, FAULT_SEED } = process.env
const minutes = Number(FAULT_MINUTES ?? 0)
const seed = FAULT_SEED === undefined ? Math.trunc(Math.random() * 2 ** 32) : Number(FAULT_SEED)
const seeds = () => `FAULT_SEED=${seed}`

async function repeatedly(times: number, pauseMs: number, strike: () => Promise<unknown>): Promise<void> {
  for (let round = 0; round < times; round += 1) {
    await strike()
    await delay(pauseMs)
  }
}

async function killUntilBack(service: string): Promise<void> {
  await system.kill(service)
  await system.untilBack(service)
}

const killMessaging = (name: string): Fault => ({
  name: `${name} is killed twice and comes back`,
  strike: () => repeatedly(2, 200, () => killUntilBack(name)),
})

const killGateway = (name: string): Fault => ({
  name: `${name} is killed and comes back`,
  strike: () => killUntilBack(name),
  wasFelt: ({ sessions }) => sessions.filter(({ connections }) => connections.length > 1).length >= sessions.length / 2,
})

const someSendIsInDoubt = ({ sends }: Recording) => sends.some(({ outcome }) => outcome.kind === 'unknown')

const faults: Fault[] = [
  killMessaging('messaging-1'),
  killMessaging('messaging-2'),
  killGateway('gateway-1'),
  killGateway('gateway-2'),
  {
    name: 'NATS is killed, stays away and comes back',
    async strike() {
      await system.nats.kill()
      await delay(AWAY_MS)
      await system.nats.restart()
      await system.untilReady()
    },
    wasFelt: someSendIsInDoubt,
  },
  {
    name: 'Redis is emptied again and again',
    strike: () => repeatedly(10, 200, () => system.emptyRedis()),
  },
  {
    name: 'Postgres is restarted without a shutdown',
    async strike() {
      await system.postgres.restart()
      await system.untilReady()
    },
    wasFelt: someSendIsInDoubt,
  },
  {
    name: 'Postgres ends the connections of messaging again and again',
    async strike() {
      let ended = 0
      await repeatedly(20, 100, async () => (ended += await system.endBackends()))
      expect(ended).toBeGreaterThan(20)
    },
  },
  {
    name: 'the answers to commits are cut off',
    async strike() {
      const before = system.commits.cuts
      system.commits.probability = 0.2
      try {
        await expect.poll(() => system.commits.cuts, PATIENCE).toBeGreaterThan(before + 20)
      } finally {
        system.commits.probability = 0
      }
    },
    // Done, not known to be done, and tried again.
    wasFelt: ({ sends }) => sends.some(({ outcome }) => outcome.kind === 'ok' && outcome.answer.duplicate),
  },
  {
    name: 'notices to gateways are dropped, doubled and reordered',
    async strike() {
      const { faults: rates, done } = system.notices
      const before = { ...done }
      Object.assign(rates, { drop: 0.1, double: 0.1, reorder: 0.2 })
      try {
        await expect.poll(() => done.dropped - before.dropped, PATIENCE).toBeGreaterThan(50)
        await expect.poll(() => done.doubled - before.doubled, PATIENCE).toBeGreaterThan(50)
      } finally {
        Object.assign(rates, { drop: 0, double: 0, reorder: 0 })
      }
    },
  },
]

describe(`while people talk on both gateways, ${seeds()}`, () => {
  test.each(faults)(
    '$name, and everything that was promised holds',
    async ({ name, strike, wasFelt = () => true }) => {
      const { recording, violations } = await witnessTalk(system, { name, strike, seed })
      expect(violations).toEqual({})
      expect(wasFelt(recording)).toBe(true)
    },
    TEST_TIMEOUT_MS,
  )

  test(
    'two of these happen at once, drawn by lot again and again, and everything that was promised holds',
    async () => {
      const random = seededRandom(seed)
      const endsAt = performance.now() + minutes * 60_000
      for (let times = 0; times < PAIRS || performance.now() < endsAt; times += 1) {
        const left = [...faults]
        const drawn = [1, 2].flatMap(() => left.splice(Math.trunc(random() * left.length), 1))
        const name = drawn.map((fault) => fault.name).join(' while ')
        const strike = async () => {
          await Promise.all(drawn.map((fault) => fault.strike()))
        }
        const { violations } = await witnessTalk(system, { name, strike, seed: seed + times })
        expect(violations, name).toEqual({})
      }
    },
    TEST_TIMEOUT_MS + minutes * 60_000,
  )
})
