import { inspect } from 'node:util'
import type { ConversationKind } from '@parley/protocol'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { expectAll } from '../src/model/expect-all.ts'
import { beginTalk, type Beginning } from '../src/model/real-talk.ts'
import { changing } from '../src/model/steps/changing.ts'
import { connecting } from '../src/model/steps/connecting.ts'
import { managing } from '../src/model/steps/managing.ts'
import { marking } from '../src/model/steps/marking.ts'
import { reading } from '../src/model/steps/reading.ts'
import { sending } from '../src/model/steps/sending.ts'
import { startSystem, type System } from '../src/start-system.ts'

/** More runs of each seed, and the seed of one that has failed, as it is printed. */
const { MODEL_RUNS = '7', MODEL_SEED } = process.env
const RUNS = Number(MODEL_RUNS)
/** Side by side: much of the time is waiting for what gateways gather. */
const SEEDS = 3
const STEPS = 120
/** Until then a shorter way to fail is looked for, after a run that has failed. */
const MOST_MS = 180_000 + RUNS * 20_000

let system: System
beforeAll(async () => {
  system = await startSystem()
}, 120_000)
afterAll(() => system?.[Symbol.asyncDispose]())

const beginning = (...kinds: ConversationKind[]): fc.Arbitrary<Beginning> =>
  fc.record(
    { kind: fc.constantFrom(...kinds), historyVisibility: fc.constantFrom('all', 'joined') },
    { noNullPrototype: true },
  )
const beginnings: fc.Arbitrary<Beginning[]> = fc.tuple(beginning('group', 'channel'), beginning('direct', 'group'))

const steps = fc.commands(
  [
    sending,
    sending,
    changing,
    changing,
    managing,
    { add: managing.add },
    marking,
    marking,
    connecting,
    reading,
  ].flatMap((kind) => Object.values(kind)),
  { maxCommands: STEPS, size: 'max' },
)

const seeds =
  MODEL_SEED === undefined
    ? Array.from({ length: SEEDS }, () => Math.trunc(Math.random() * 2 ** 31))
    : [Number(MODEL_SEED)]

test.concurrent.each(seeds)(
  'whatever users do in their conversations, all of them find what a simple model says (seed %i)',
  async (seed) => {
    await fc.assert(
      fc.asyncProperty(beginnings, steps, async (begun, commands) => {
        const { model, real } = await beginTalk(system.gatewayUrls, begun)
        try {
          await fc.asyncModelRun(() => ({ model, real }), commands)
          await expectAll(model, real)
        } catch (error) {
          throw readable(error, real.trace)
        } finally {
          await real[Symbol.asyncDispose]()
        }
      }),
      {
        seed,
        numRuns: RUNS,
        interruptAfterTimeLimit: MOST_MS,
        markInterruptAsFailure: true,
        includeErrorInReport: true,
      },
    )
    expect.hasAssertions()
  },
  MOST_MS + 60_000,
)

/** What was expected, and what had been done until then. */
function readable(error: unknown, trace: string): Error {
  const { message, actual, expected } = error as { message: string; actual?: unknown; expected?: unknown }
  const difference = actual === undefined ? '' : `\nactual ${format(actual)}\nexpected ${format(expected)}`
  return new Error(`${message}${difference}\nafter:\n${trace}`)
}

const format = (value: unknown): string => inspect(value, { depth: 8, breakLength: 120 })
