import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DOCX, docxOf, zipOf } from './archive-files.ts'
import { startInspector, type InspectorForTest } from './inspector-for-test.ts'
import { circularPdf, lockedPdf, nestedPdf, pdfOf } from './pdf-files.ts'

let inspector: InspectorForTest
beforeAll(async () => {
  inspector = await startInspector()
})
afterAll(() => inspector[Symbol.asyncDispose]())

const MEGABYTE = 1024 * 1024

describe('a PDF', () => {
  test('says how many pages it has', async () => {
    expect(await inspector.inspect('application/pdf', pdfOf(3))).toMatchObject({
      verdict: 'fine',
      findings: { pages: 3 },
    })
  })

  test('of 40 MB is not read but for the way to its pages', async () => {
    const before = inspector.files.bytesSent
    const inspection = await inspector.inspect('application/pdf', pdfOf(3, { filling: 40 * MEGABYTE }))
    expect(inspection).toMatchObject({ verdict: 'fine', findings: { pages: 3 } })
    expect(inspector.files.bytesSent - before).toBeLessThan(2 * MEGABYTE)
  })

  test.each([
    ['that lies about their number has those that are there', pdfOf(3, { told: 2 ** 31 - 1 }), 3],
    ['that is locked does not tell', lockedPdf(), null],
    ['of lists in lists in lists does not tell', nestedPdf(100_000), null],
    ['of which only the beginning is there does not tell', pdfOf(3).subarray(0, 60), null],
    ['that is a signature and nothing else does not tell', Buffer.from('%PDF-1.7'), null],
  ])('%s', async (_, content, pages) => {
    expect(await inspector.inspect('application/pdf', content)).toMatchObject({ verdict: 'fine', findings: { pages } })
  })

  test('that turns in circles gets an answer', async () => {
    expect(await inspector.inspect('application/pdf', circularPdf())).toMatchObject({ verdict: 'fine' })
  })

  test('with any bytes in it gets a verdict', async () => {
    const whole = pdfOf(3)
    const wrong = fc.array(fc.tuple(fc.integer({ min: 8, max: whole.length - 1 }), fc.nat(255)), { maxLength: 20 })
    await fc.assert(
      fc.asyncProperty(wrong, async (bytes) => {
        const content = Buffer.from(whole)
        for (const [index, byte] of bytes) content[index] = byte
        expect(await inspector.inspect('application/pdf', content)).toMatchObject({ verdict: 'fine' })
      }),
      { numRuns: 100 },
    )
  })
})

describe('a document', () => {
  test('of Word is known by what is in it, and a ZIP file is not one', async () => {
    const docx = docxOf(Buffer.from('<w:document/>'))
    expect(await inspector.inspect(DOCX, docx)).toMatchObject({ verdict: 'fine', rewritten: null })
    const zip = zipOf([{ name: 'a.txt', content: Buffer.from('a') }])
    expect(await inspector.inspect(DOCX, zip)).toEqual({ verdict: 'not_the_declared_type' })
    expect(await inspector.inspect('application/zip', zip)).toMatchObject({ verdict: 'fine', rewritten: null })
  })

  test('of Word is known by it however far behind it stands', async () => {
    const picture = Buffer.from(Array.from({ length: 100_000 }, (_, index) => (index * 7_919) % 251))
    const before = Array.from({ length: 5 }, (_, index) => ({ name: `word/media/${index}.bin`, content: picture }))
    expect(await inspector.inspect(DOCX, docxOf(Buffer.from('<w:document/>'), before))).toMatchObject({
      verdict: 'fine',
    })
  })

  test('of text is text from its beginning to its end', async () => {
    const text = Buffer.alloc(900_000, 'Grüße 🎁\n')
    expect(await inspector.inspect('text/plain', text)).toMatchObject({ verdict: 'fine' })
    for (const position of [0, 70_000, 500_000, text.length - 1]) {
      const spoiled = Buffer.from(text)
      spoiled[position] = 0
      expect(await inspector.inspect('text/plain', spoiled)).toEqual({ verdict: 'not_the_declared_type' })
    }
  })
})
