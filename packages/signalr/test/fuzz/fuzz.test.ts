import { expect, test } from 'vitest'
import { fuzz } from './fuzz.ts'

const MORE_BYTES = 16 * 1024 * 1024

test('misbehaving clients of every kind neither end a server nor leave anything behind in it', async () => {
  const seed = Math.floor(Math.random() * 1_000_000)
  const { clients, before, after } = await fuzz({ seconds: 5, warmUpSeconds: 2, seed })
  expect(clients, `seed ${seed}`).toBeGreaterThan(100)
  expect(after.connections, `seed ${seed}`).toBe(0)
  expect(after.heapBytes, `seed ${seed}`).toBeLessThan(before.heapBytes + MORE_BYTES)
}, 60_000)
