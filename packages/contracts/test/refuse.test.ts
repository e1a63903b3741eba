import { expect, test } from 'vitest'
import { refusals } from '@parley/protocol'
import { Refused, refuse } from '@parley/contracts'

test('a refusal carries its code, the sentence of the catalogue and its data', () => {
  const refused = refuse.file_too_large({ maxBytes: 10 })
  expect(refused).toBeInstanceOf(Refused)
  expect(refused).toBeInstanceOf(Error)
  expect(refused.refusal).toEqual({
    code: 'file_too_large',
    sentence: refusals.file_too_large.sentence,
    data: { maxBytes: 10 },
  })
  expect(refused.message).toBe(`file_too_large: ${refusals.file_too_large.sentence}`)
})

test('the sentence can be made more exact, the code and its empty data stay', () => {
  expect(refuse.invalid_input({}, 'A direct conversation has no title.').refusal).toEqual({
    code: 'invalid_input',
    sentence: 'A direct conversation has no title.',
    data: {},
  })
})

test('there is a refusal for every code of the catalogue', () => {
  expect(Object.keys(refuse)).toEqual(Object.keys(refusals))
})
