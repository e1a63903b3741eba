import { expect, test } from 'vitest'
import { Turns } from './turns.ts'

test('what is done for one key is done in order, also after a failure, and does not keep others waiting', async () => {
  const turns = new Turns<string>()
  const done: string[] = []
  const first = Promise.withResolvers<void>()
  const failing = turns.take('a', () => first.promise)
  const next = turns.take('a', async () => void done.push('a'))
  await turns.take('b', async () => void done.push('b'))
  expect(done).toEqual(['b'])
  first.reject(new Error('no answer'))
  await expect(failing).rejects.toThrow('no answer')
  await next
  expect(done).toEqual(['b', 'a'])
})
