import { must } from '@parley/bus'
import { v4 } from 'uuid'
import { expect, test } from 'vitest'
import { admin, createWorld, soon, type World } from './world.ts'

const DAY_MS = 24 * 60 * 60 * 1_000
const daysBefore = (world: World, days: number) => new Date(world.clock.now().getTime() - days * DAY_MS).toISOString()
const readinessOf = async ({ port }: { port: number }) => {
  const answer = await fetch(`http://127.0.0.1:${port}/health/ready`)
  const { checks } = (await answer.json()) as { checks: Record<string, string> }
  return { status: answer.status, check: checks['oldest message'] }
}

test.for([
  { days: 366, leaveDefaultToMonths: false, isGood: true },
  { days: 367, leaveDefaultToMonths: false, isGood: false },
  { days: 367, leaveDefaultToMonths: true, isGood: true },
  { days: 400, leaveDefaultToMonths: true, isGood: false },
])(
  'a message of $days days makes the service ready: $isGood (months alone: $leaveDefaultToMonths)',
  async ({ days, leaveDefaultToMonths, isGood }) => {
    await using world = await createWorld({ leaveDefaultToMonths })
    const createdAt = daysBefore(world, days)
    world.answers['messaging.oldestMessage'] = async () => ({ createdAt })
    const retention = await world.start({ catchUpMs: 0 })
    await expect.poll(async () => (await world.runs('create-months')).at(-1)?.result, soon).toBe('done')
    const check = isGood ? 'ok' : `a message of ${createdAt} is still stored`
    expect(await readinessOf(retention)).toEqual({ status: isGood ? 200 : 503, check })
    const metrics = await (await fetch(`http://127.0.0.1:${retention.port}/metrics`)).text()
    expect(metrics).toContain(
      `retention_oldest_message_timestamp_seconds{service="retention"} ${Date.parse(createdAt) / 1_000}`,
    )
    expect(world.asked['messaging.oldestMessage']).toHaveLength(1)
  },
)

test('a policy that keeps longer makes an older message right, and a removed one no more', async () => {
  await using world = await createWorld()
  world.answers['messaging.oldestMessage'] = async () => ({ createdAt: daysBefore(world, 500) })
  const retention = await world.start({ catchUpMs: 0 })
  await expect.poll(async () => (await world.runs('create-months')).at(-1)?.result, soon).toBe('done')
  expect((await readinessOf(retention)).status).toBe(503)
  const policy = { actor: admin, conversationId: v4(), fileDays: null }
  must(await world.calls.setRetentionPolicy({ ...policy, messageDays: 600 }))
  expect(await readinessOf(retention)).toEqual({ status: 200, check: 'ok' })
  must(await world.calls.setRetentionPolicy({ ...policy, messageDays: null }))
  expect((await readinessOf(retention)).status).toBe(503)
})

test('while messaging does not answer, how old its messages are makes nobody unready', async () => {
  await using world = await createWorld()
  world.answers['messaging.oldestMessage'] = async () => {
    throw new Error('out of order')
  }
  const retention = await world.start({ catchUpMs: 0 })
  await expect.poll(async () => (await world.runs('create-months')).at(-1)?.result, soon).toBe('done')
  expect(await readinessOf(retention)).toEqual({ status: 200, check: 'ok' })
  const metrics = await (await fetch(`http://127.0.0.1:${retention.port}/metrics`)).text()
  expect(metrics).not.toMatch(/^retention_oldest_message_timestamp_seconds\{/m)
})

test('after a start there is time to delete what has expired while nobody was there', async () => {
  await using world = await createWorld()
  world.answers['messaging.oldestMessage'] = async () => ({ createdAt: daysBefore(world, 500) })
  const retention = await world.start()
  await expect.poll(async () => (await world.runs('create-months')).at(-1)?.result, soon).toBe('done')
  expect(await readinessOf(retention)).toEqual({ status: 200, check: 'ok' })
})
