import { expect, test } from 'vitest'
import { showProgress } from '../src/launch/progress.ts'

test('anywhere but on a terminal there are plain lines, one for each step with its time', async () => {
  let written = ''
  const progress = showProgress({ write: (text) => (written += text) })
  await progress.step(
    'Redis',
    async () => 7,
    (version) => `Redis ${version}`,
  )
  await expect(progress.step('NATS', () => Promise.reject(new Error('no')))).rejects.toThrow('no')
  progress.say('Done.')
  expect(written).toBe('  ✓ Redis 7 (0.0 s)\n  ✗ NATS (0.0 s)\nDone.\n')
})

test('on a terminal the last line tells what is going on', async () => {
  let written = ''
  const progress = showProgress({ write: (text) => (written += text), isTTY: true })
  const { promise, resolve } = Promise.withResolvers<void>()
  const redis = progress.step('Redis', () => promise)
  const nats = progress.step('NATS', () => promise)
  expect(written.endsWith('  … Redis, NATS')).toBe(true)
  resolve()
  await Promise.all([redis, nats])
  expect(written.endsWith('✓ NATS (0.0 s)\n\r\u001B[K')).toBe(true)
})
