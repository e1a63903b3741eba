import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { laterBeginnings, searchedName } from './searched-name.ts'

describe('a searched name', () => {
  test.each([
    ['Müller', 'mul'],
    ['Müller', 'MÜLLER'],
    ['Mu\u0308ller', 'müll'],
    ['Straße', 'strasse'],
    ['Łukasz Ørsted', 'lukasz ors'],
    ['Ægir', 'aeg'],
    ['Đặng', 'dang'],
    ['ΟΔΟΣΑ', 'οδός'],
    ['İstanbul', 'istan'],
    ['Ｗｉｄｅ', 'wide'],
    ['Алексей', 'алексеи'],
    ['한국', '한'],
    ['👩‍🚀 Eva', '👩'],
  ])('%j begins with %j', (name, query) => {
    expect(searchedName(name).startsWith(searchedName(query))).toBe(true)
  })

  test.each([
    ['कि', 'का'],
    ['Ann', 'b'],
    ['Eva 👩‍🚀', '👩'],
  ])('%j does not begin with %j', (name, query) => {
    expect(searchedName(name).startsWith(searchedName(query))).toBe(false)
  })

  test('does not change when it is made again, and forms of one text are one', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 20 }), (name) => {
        const searched = searchedName(name)
        expect(searchedName(searched)).toBe(searched)
        expect(searchedName(name.normalize('NFD'))).toBe(searchedName(name.normalize('NFC')))
      }),
    )
  })
})

describe('later beginnings', () => {
  test('are all that follows from the second word on, the third, and so on', () => {
    expect(laterBeginnings('ANNA MULLER-LUDENSCHEIDT')).toEqual(['MULLER-LUDENSCHEIDT', 'LUDENSCHEIDT'])
    expect(laterBeginnings("O'BRIEN")).toEqual(['BRIEN'])
    expect(laterBeginnings('ANNA')).toEqual([])
    expect(laterBeginnings('(ANNA)')).toEqual(['ANNA)'])
  })

  test('are at most ten, and each once', () => {
    expect(laterBeginnings('A B C D E F G H I J K L M N')).toHaveLength(10)
  })
})
