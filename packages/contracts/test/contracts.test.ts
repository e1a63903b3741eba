import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import * as everything from '@parley/contracts'
import type { Contract } from '@parley/contracts'

const { auth, gateway, media, messaging, presence, retention } = everything
const contracts: [string, Contract][] = Object.entries({ auth, gateway, media, messaging, presence, retention })

const kinds = { calls: 'call', events: 'event', notices: 'notice' } as const
const subjects = contracts.flatMap(([, contract]) =>
  (Object.keys(kinds) as (keyof typeof kinds)[]).flatMap((kind) =>
    Object.entries(contract[kind]).map(
      ([name, { subject }]) => [subject, contract.service, kinds[kind], name] as const,
    ),
  ),
)

describe('subjects', () => {
  test.each(subjects)('%s belongs to %s, is a %s and has the name %s', (subject, service, kind, name) => {
    const kebab = name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
    const [head, ...parameters] = subject.split('.{')
    expect(head).toBe(`${service}.${kind}.${kebab}`)
    for (const parameter of parameters) expect(parameter).toMatch(/^[a-z][A-Za-z]*\}$/)
  })

  test('are used once each', () => {
    expect(new Set(subjects.map(([subject]) => subject)).size).toBe(subjects.length)
  })
})

test('every contract is listed here', () => {
  const exported = Object.values<unknown>(everything).filter(
    (value) => typeof value === 'object' && value !== null && 'service' in value,
  )
  expect(new Set(exported)).toEqual(new Set(contracts.map(([, contract]) => contract)))
})

test('a contract is named for its service', () => {
  for (const [name, contract] of contracts) expect(contract.service).toBe(name)
})

const schemas = contracts.flatMap(([service, { calls, events }]) => [
  ...Object.entries(calls).map(
    ([name, { request, reply }]) => [`${service}.calls.${name}`, z.object({ request, reply })] as const,
  ),
  ...Object.entries(events).map(([name, { payload }]) => [`${service}.events.${name}`, z.object({ payload })] as const),
])

test.each(schemas)('%s has no defaults or transforms: what is sent is what is received', (_, schema) => {
  const [input, output] = (['input', 'output'] as const).map((io) =>
    JSON.stringify(z.toJSONSchema(schema, { io }), (key, value: unknown) =>
      // Received objects are without unknown fields; that is not a change of what was agreed.
      key === 'additionalProperties' && value === false ? undefined : value,
    ),
  )
  expect(output).toBe(input)
})

test('a parameter of an event is a field of its payload, and one of a call a field of its request', () => {
  for (const [, { calls, events }] of contracts) {
    const said = [
      ...Object.values(events).map(({ subject, payload }) => [subject, payload] as const),
      ...Object.values(calls).map(({ subject, request }) => [subject, request] as const),
    ]
    for (const [subject, schema] of said) {
      const fields = Object.keys((schema as z.ZodObject).shape)
      for (const [, parameter] of subject.matchAll(/\{(\w+)\}/g)) expect(fields).toContain(parameter)
    }
  }
})

test.each(contracts)(
  'what %s answers and says has not changed; where a change is meant, it is additive and the snapshot updated',
  async (service, { calls }) => {
    const registry = z.registry<{ id: string }>()
    for (const [name, schema] of schemas) if (name.startsWith(`${service}.`)) registry.add(schema, { id: name })
    const shown = {
      subjects: subjects.filter(([, owner]) => owner === service).map(([subject]) => subject),
      errors: Object.fromEntries(Object.entries(calls).map(([name, { errors }]) => [name, errors])),
      ...z.toJSONSchema(registry, { io: 'input' }),
    }
    await expect(`${JSON.stringify(shown, undefined, 2)}\n`).toMatchFileSnapshot(`__snapshots__/${service}.json`)
  },
)
