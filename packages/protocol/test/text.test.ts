import { describe, expect, test } from 'vitest'
import { line, text } from '@parley/protocol'

const accepts = (schema: ReturnType<typeof text>, value: string): boolean => schema.safeParse(value).success

describe('text', () => {
  test('is counted in code points, so that an emoji outside the basic plane is one character', () => {
    expect(accepts(text(10_000), '😀'.repeat(10_000))).toBe(true)
    expect(accepts(text(10_000), '😀'.repeat(10_001))).toBe(false)
    expect(accepts(text(10_000), 'a'.repeat(10_000))).toBe(true)
    expect(accepts(text(10_000), 'a'.repeat(10_001))).toBe(false)
  })

  test('is given back exactly as it came', () => {
    for (const value of ['שלום עולם', '你好\n世界', ' spaces stay ', '👩‍👩‍👧‍👦', '\t', 'e\u0301', '\u202eright to left']) {
      expect(text(100).parse(value)).toBe(value)
    }
  })

  test.each([
    ['nothing', ''],
    ['NUL', 'a\u0000b'],
    ['a lone high surrogate', 'a\ud83d'],
    ['a lone low surrogate', '\ude00a'],
    ['surrogates in the wrong order', '\ude00\ud83d'],
  ])('refuses %s', (_, value) => {
    expect(accepts(text(100), value)).toBe(false)
  })

  test('of a hundred megabytes is refused without being counted', () => {
    const begun = performance.now()
    expect(accepts(text(10), 'a'.repeat(100_000_000))).toBe(false)
    expect(performance.now() - begun).toBeLessThan(1_000)
  })
})

describe('line', () => {
  test.each(['Ada Lovelace', 'עדה', '李雷', '🎉 party', "O'Neill-Åström"])('accepts %s', (value) => {
    expect(line(50).parse(value)).toBe(value)
  })

  test.each([
    ['nothing', ''],
    ['spaces alone', '   '],
    ['a space before', ' Ada'],
    ['a space after', 'Ada '],
    ['a line break', 'Ada\nLovelace'],
    ['a tab', 'Ada\tLovelace'],
    ['DEL', 'Ada\u007f'],
    ['a line separator', 'Ada\u2028Lovelace'],
    ['a paragraph separator', 'Ada\u2029Lovelace'],
    ['an override of the reading direction', 'Ada\u202exe.gpj'],
    ['an isolate of the reading direction', 'Ada\u2066'],
    ['NUL', 'Ada\u0000'],
    ['a lone surrogate', 'Ada\ud83d'],
    ['too many characters', '😀'.repeat(51)],
  ])('refuses %s', (_, value) => {
    expect(accepts(line(50), value)).toBe(false)
  })
})
