import { expect, test } from 'vitest'
import { GivenLimits, limitsInForce } from './configured-limits.ts'
import { defaultLimits, DEVELOPMENT_FACTOR } from './limit-table.ts'

const inForce = (text: string | undefined, development = false) =>
  limitsInForce(text === undefined ? undefined : GivenLimits.parse(text), { development })

test('without any said there are the defaults, far higher in development', () => {
  expect(inForce(undefined)).toEqual(defaultLimits)
  expect(inForce('{}')).toEqual(defaultLimits)
  const { points, seconds } = defaultLimits.send.user
  expect(inForce(undefined, true).send.user).toEqual({ points: DEVELOPMENT_FACTOR * points, seconds })
})

test('what is said counts, in development too, and the rest stays', () => {
  for (const development of [false, true]) {
    const given = inForce('{"findUsers":{"user":{"points":7,"seconds":3}}}', development)
    expect(given.findUsers).toEqual({
      user: { points: 7, seconds: 3 },
      userPerDay: inForce(undefined, development).findUsers.userPerDay,
    })
    expect(given.send).toEqual(inForce(undefined, development).send)
  }
})

test('null switches off one, all of a name, or all', () => {
  expect(inForce('{"token":{"address":null}}').token).toEqual({ ...defaultLimits.token, address: null })
  expect(inForce('{"token":null}').token).toEqual({ address: null, clientAtAddress: null })
  const all = Object.values(inForce('null')).flatMap((by: object) => Object.values(by))
  expect(new Set(all)).toEqual(new Set([null]))
})

test.each([
  ['not JSON', '{send:1}'],
  ['an unknown name', '{"sends":{"user":{"points":1,"seconds":1}}}'],
  ['by whom it does not count', '{"send":{"address":{"points":1,"seconds":1}}}'],
  ['no points', '{"send":{"user":{"points":0,"seconds":10}}}'],
  ['half a second', '{"send":{"user":{"points":1,"seconds":0.5}}}'],
  ['no time', '{"send":{"user":{"points":1}}}'],
  ['something more', '{"send":{"user":{"points":1,"seconds":1,"burst":1}}}'],
  ['a number', '{"send":5}'],
  ['a list', '[]'],
])('%s is refused', (_, text) => {
  expect(GivenLimits.safeParse(text).success).toBe(false)
})
