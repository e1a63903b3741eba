import { expect, test } from 'vitest'
import { countJsonValues } from './json-values.ts'

const count = (json: string, limits: { levels?: number; values?: number } = {}) =>
  countJsonValues(Buffer.from(json), { nestingDepth: limits.levels ?? 100, messageValues: limits.values ?? 1_000 })

test.each([
  ['1', 0],
  ['[]', 1],
  ['{"a":[{}]}', 3],
  ['[[],[],[[]]]', 3],
  ['["[[[[", "\\"[[[[", "\\\\", {"{{{": 1}]', 2],
])('%s has %i levels', (json, levels) => {
  expect(() => count(json, { levels })).not.toThrow()
  if (levels > 0) {
    expect(() => count(json, { levels: levels - 1 })).toThrow(`nested deeper than ${levels - 1} levels`)
  }
})

test.each(['[1,2,3]', '{"a":1,"b":[2,3]}', '[[],[],[]]', '[{},{},{}]', '",,,:::"'])(
  'the values in %s are counted, by one or two too many or too few at most',
  (json) => {
    const values = (value: unknown): number =>
      typeof value === 'object' && value !== null
        ? Object.entries(value).reduce((sum, [, inner]) => sum + values(inner) + (Array.isArray(value) ? 0 : 1), 1)
        : 1
    expect(Math.abs(count(json) - values(JSON.parse(json)))).toBeLessThanOrEqual(3)
    expect(() => count(json, { values: count(json) })).not.toThrow()
    expect(() => count(json, { values: count(json) - 1 })).toThrow('more than')
  },
)

test('what is not JSON gets an answer too', () => {
  for (const text of ['"', '\\', '"\\', ']]]]', '}{', '["']) expect(count(text)).toBeGreaterThan(0)
})
