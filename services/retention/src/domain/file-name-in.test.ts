import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fileNameIn } from './file-name-in.ts'

const id = '0193e1a4-0000-7000-8000-000000000001'

test('the name of a file in a ZIP stays as it was where it can', () => {
  expect(fileNameIn(id, 'Größe 🙂 (1).tar.gz')).toBe(`${id}-Größe 🙂 (1).tar.gz`)
})

test('what a file system could take for a path is no part of a name', () => {
  expect(fileNameIn(id, '../../etc/passwd')).toBe(`${id}-__.._etc_passwd`)
  expect(fileNameIn(id, 'C:\\autoexec.bat')).toBe(`${id}-C__autoexec.bat`)
  expect(fileNameIn(id, 'gnp.\u202Eexe')).toBe(`${id}-gnp._exe`)
  expect(fileNameIn(id, 'what. . .')).toBe(`${id}-what_`)
  expect(fileNameIn(id, '')).toBe(`${id}-`)
})

test('every name fits into a file system, and says at its end of what type it is', () => {
  const unit = fc.constantFrom('a', '.', ' ', '/', '\\', ':', 'ü', '漢', '🙂', '\u202E', '\0', '\n', '\uD800')
  const anything = fc.string({ unit, maxLength: 400 })
  fc.assert(
    fc.property(anything, (name) => {
      const safe = fileNameIn(id, `x${name}.png`)
      expect(safe).toMatch(/^[^\p{C}\\/:*?"<>|]+\.png$/u)
      expect(Buffer.byteLength(safe)).toBeLessThanOrEqual(255)
    }),
  )
})
