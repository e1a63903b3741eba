import { expect, test } from 'vitest'
import { z } from 'zod'
import { alwaysPossible, hubEvents, operations, refusals, type Operation } from '@parley/protocol'

const all: [string, Operation][] = Object.entries(operations)

test.each(all)('%s refuses a field that it does not know', (_, { input }) => {
  const parsed = input.safeParse({ surprise: true })
  const codes = parsed.error?.issues.map((issue) => issue.code)
  expect(codes).toContain('unrecognized_keys')
})

test.each(all)('%s changes nothing in what a client sends, but the case of ids', (_, { input }) => {
  expect(z.toJSONSchema(input, { io: 'output' })).toEqual(z.toJSONSchema(input, { io: 'input' }))
})

test.each(all)('%s can be reached, and by its own name on the hub', (name, declared) => {
  expect(declared.hub !== undefined || declared.rest !== undefined).toBe(true)
  if (declared.hub !== undefined) expect(declared.hub).toBe(name)
})

test.each(all)('%s takes every field that its REST path names from its input', (_, { rest, input }) => {
  for (const [, field] of rest?.matchAll(/\{(\w+)\}/g) ?? []) expect(Object.keys(input.shape)).toContain(field)
})

test.each(all)('%s declares each of its own refusals once, and none that is always possible', (_, { errors }) => {
  expect(new Set(errors).size).toBe(errors.length)
  expect(errors.filter((code) => (alwaysPossible as readonly string[]).includes(code))).toEqual([])
})

test('no two operations share a route', () => {
  const routes = all.flatMap(([, { rest }]) => (rest === undefined ? [] : [rest.replaceAll(/\{\w+\}/g, '{}')]))
  expect(new Set(routes).size).toBe(routes.length)
})

test('every refusal has a status of an error and a sentence', () => {
  for (const { status, sentence } of Object.values(refusals)) {
    expect(status).toBeGreaterThanOrEqual(400)
    expect(sentence).toMatch(/^[A-Z].*\.$/)
  }
})

test('what clients send and get has not changed; where a change is meant, it is additive and the snapshot updated', async () => {
  const schemas = z.registry<{ id: string }>()
  for (const [name, { input, output }] of all) schemas.add(z.object({ input, output }), { id: name })
  for (const [name, schema] of Object.entries(hubEvents)) schemas.add(z.object({ argument: schema }), { id: name })
  const shown = {
    operations: Object.fromEntries(all.map(([name, { hub, rest, errors }]) => [name, { hub, rest, errors }])),
    refusals: Object.fromEntries(Object.entries(refusals).map(([code, { status }]) => [code, status])),
    ...z.toJSONSchema(schemas, { io: 'input' }),
  }
  await expect(`${JSON.stringify(shown, undefined, 2)}\n`).toMatchFileSnapshot('__snapshots__/public-interface.json')
})
