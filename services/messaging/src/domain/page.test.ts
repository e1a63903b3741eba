import { expect, test } from 'vitest'
import { firstThatFit, readCursor, writeCursor } from './page.ts'

test('a page ends before it would be too large, and has one item at least', () => {
  const items = ['aaaa', 'bbbb', 'cccc']
  expect(firstThatFit(items, 100)).toEqual(items)
  expect(firstThatFit(items, 21)).toEqual(items)
  expect(firstThatFit(items, 20)).toEqual(['aaaa', 'bbbb'])
  expect(firstThatFit(items, 1)).toEqual(['aaaa'])
  expect(firstThatFit(['語'], 5)).toEqual(['語'])
  expect(firstThatFit(['a', '語語語語'], 10)).toEqual(['a'])
  expect(firstThatFit([], 1)).toEqual([])
})

test('a cursor is read as it was written, and nonsense is not read', () => {
  expect(readCursor(writeCursor([12, 'ü']))).toEqual([12, 'ü'])
  expect(readCursor('nonsense')).toBeUndefined()
  expect(readCursor('')).toBeUndefined()
})
