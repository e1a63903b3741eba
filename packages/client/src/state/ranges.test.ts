import fc from 'fast-check'
import { expect, test } from 'vitest'
import { passed, withNumber, type Ranges } from './ranges.ts'

const numbers = fc.array(fc.integer({ min: 1, max: 20 }))
const inAny = (ranges: Ranges, number: number) => ranges.some(([first, last]) => first <= number && number <= last)

test('ranges hold exactly the numbers that were put in, and do not touch', () => {
  fc.assert(
    fc.property(numbers, (list) => {
      const ranges = list.reduce(withNumber, [] as Ranges)
      for (let number = 0; number <= 21; number++) expect(inAny(ranges, number)).toBe(list.includes(number))
      for (const [index, [first]] of ranges.slice(1).entries()) expect(first).toBeGreaterThan(ranges[index]![1] + 1)
    }),
  )
})

test('passing goes to the last number before one that is missing', () => {
  fc.assert(
    fc.property(numbers, fc.integer({ min: 0, max: 20 }), (list, from) => {
      const { reached, rest } = passed(from, list.reduce(withNumber, [] as Ranges))
      let expected = from
      while (list.includes(expected + 1)) expected++
      expect(reached).toBe(expected)
      for (let number = 0; number <= 21; number++) {
        expect(inAny(rest, number)).toBe(number > reached && list.includes(number))
      }
    }),
  )
})
