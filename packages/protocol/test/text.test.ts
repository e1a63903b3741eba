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
  test.each([
    'Ada Lovelace',
    'עדה',
    '李雷',
    '🎉 party',
    "O'Neill-Åström",
    'a family 👩‍👩‍👧‍👦',
    'an astronaut 👩🏽‍🚀',
    'a flag 🏳️‍🌈 and another 🏴‍☠️',
    'نامه\u200cها',
    'ക്\u200dഷ',
    'क्\u200dष',
  ])('accepts %s', (value) => {
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
    ['a space of no width', 'Ada\u200bLovelace'],
    ['a mark of the reading direction', 'Ada\u200f'],
    ['an invisible operator', 'Ada\u2062'],
    ['a byte order mark', '\ufeffAda'],
    ['a joiner in Latin', 'A\u200dda'],
    ['a joiner after an accent', 'Ade\u0301\u200dle'],
    ['a non-joiner in Latin', 'A\u200cda'],
    ['a joiner in Cyrillic', 'А\u200dда'],
    ['a joiner alone', '\u200d'],
    ['a joiner before a letter', '\u200dAda'],
    ['a joiner that ends an emoji', '👩\u200d'],
    ['two joiners in an emoji', '👩\u200d\u200d🚀'],
    ['NUL', 'Ada\u0000'],
    ['a lone surrogate', 'Ada\ud83d'],
    ['too many characters', '😀'.repeat(51)],
  ])('refuses %s', (_, value) => {
    expect(accepts(line(50), value)).toBe(false)
  })
})
