import { expect, test } from 'vitest'
import { isNestedDeeper } from './nesting.ts'

const deeper = (json: string, levels: number) => isNestedDeeper(Buffer.from(json), levels)

test.each([
  ['1', 0],
  ['[]', 1],
  ['{"a":[{}]}', 3],
  ['[[],[],[[]]]', 3],
  ['["[[[[", "\\"[[[[", "\\\\", {"{{{": 1}]', 2],
])('%s has %i levels', (json, levels) => {
  expect(deeper(json, levels)).toBe(false)
  if (levels > 0) expect(deeper(json, levels - 1)).toBe(true)
})

test('what is not JSON gets an answer too', () => {
  for (const text of ['"', '\\', '"\\', ']]]]', '}{', '["']) expect(typeof deeper(text, 3)).toBe('boolean')
})
