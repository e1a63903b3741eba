import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { defaultLimits, DEVELOPMENT_FACTOR, limitOf, SERVICE_ACCOUNT_FACTOR, type Limit } from './limit-table.ts'

const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8')
const rows = [...readme.matchAll(/^\| `(\w+)\.(\w+)` +\| ([\d,]+) +\| ([\d,]+) s +\| (.*) \|$/gm)]
const numberOf = (text = '') => Number(text.replaceAll(',', ''))

test('the README lists every limit with its default', () => {
  const listed = rows.map(([, name, by, points, seconds]) => [`${name}.${by}`, numberOf(points), numberOf(seconds)])
  const there = Object.entries(defaultLimits).flatMap(([name, all]) =>
    Object.entries<Limit>(all).map(([by, { points, seconds }]) => [`${name}.${by}`, points, seconds]),
  )
  expect(listed).toEqual(there)
})

test('the README lists every operation with its limit', () => {
  const listed = rows
    .filter(([, , by]) => by === 'user')
    .flatMap(([, name, , , , what = '']) => [...what.matchAll(/`(\w+)`/g)].map(([, operation]) => [operation, name]))
  expect(Object.fromEntries(listed)).toEqual(limitOf)
})

test('the README names the factors', () => {
  expect(readme).toContain(`${SERVICE_ACCOUNT_FACTOR} times what is counted by user and by connection`)
  expect(readme).toContain(`all defaults are ${DEVELOPMENT_FACTOR} times as high`)
})
