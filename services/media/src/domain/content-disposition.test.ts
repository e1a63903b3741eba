import fc from 'fast-check'
import { expect, test } from 'vitest'
import { contentDisposition } from './content-disposition.ts'

test('any name becomes a header of plain ASCII that says the name, without path separators', () => {
  const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 200 })
  fc.assert(
    fc.property(name, fc.boolean(), (given, inline) => {
      const [kind, encoded] = contentDisposition({ inline }, given).split("; filename*=UTF-8''")
      expect(kind).toBe(inline ? 'inline' : 'attachment')
      expect(encoded).toMatch(/^(?:[A-Za-z0-9_.~-]|%[0-9A-F]{2})+$/)
      expect(decodeURIComponent(encoded!)).toBe(given.replaceAll('/', '_').replaceAll('\\', '_'))
    }),
  )
})
