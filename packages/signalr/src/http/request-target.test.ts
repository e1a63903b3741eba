import { expect, test } from 'vitest'
import { normalPath } from './request-target.ts'

test('a path is told apart by its letters: neither by their case nor by slashes at its end', () => {
  for (const path of ['/hubs/chat', '/Hubs/CHAT/', '/hubs/chat////']) expect(normalPath(path)).toBe('/hubs/chat')
  expect(normalPath('/')).toBe('')
  expect(normalPath('//hubs/chat')).toBe('//hubs/chat')
})

test('a path of slashes takes no longer than any other of its length', () => {
  const path = `${'/'.repeat(2_000_000)}x`
  expect(normalPath(path)).toBe(path)
})
