import { randomUUID } from 'node:crypto'
import { expect, test, vi } from 'vitest'
import { startWorld } from './world.ts'

vi.setConfig({ testTimeout: 60_000 })
const PATIENCE = { timeout: 20_000, interval: 20 }

test('operators can watch what is announced, what waits, and whether it can be told who is not there', async () => {
  await using world = await startWorld()
  const { port } = await world.start()
  const figures = async (): Promise<Record<string, number>> => {
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
    const lines = text.split('\n').filter((line) => line.startsWith('parley_presence_'))
    return Object.fromEntries(
      lines.map((line) => [
        line
          .replace('parley_presence_', '')
          .replace(/,?service="presence"/, '')
          .replace('{}', '')
          .split(' ')[0] ?? '',
        Number(line.split(' ').at(-1)),
      ]),
    )
  }
  expect(await figures()).toMatchObject({ whole: 0, gateways: 0, gateways_swept_total: 0, notices: 0 })
  const gateway = await world.gateway()
  const ann = randomUUID()
  await gateway.connect(ann)
  await expect.poll(() => world.saidOf(ann), PATIENCE).toEqual(['online'])
  await world.set(ann, { status: 'busy' })
  await expect.poll(() => world.saidOf(ann), PATIENCE).toEqual(['online', 'busy'])
  await expect.poll(figures, PATIENCE).toMatchObject({
    whole: 1,
    gateways: 1,
    due_users: 0,
    due_oldest_seconds: 0,
    notices: 2,
    status_writes_total: 1,
    statuses_unwritten: 0,
    'transitions_total{status="online"}': 1,
    'transitions_total{status="busy"}': 1,
  })
  await gateway.kill()
  await expect.poll(figures, PATIENCE).toMatchObject({ gateways: 0, gateways_swept_total: 1 })
})
