import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { box, flacOf, longBox, mp3Of, mp4Begin, mp4Of, nestedMp4, oggOf, wavOf, webmOf } from './film-files.ts'
import { startInspector, type InspectorForTest } from './inspector-for-test.ts'

let inspector: InspectorForTest
beforeAll(async () => {
  inspector = await startInspector()
})
afterAll(() => inspector[Symbol.asyncDispose]())

const film = { seconds: 5, width: 640, height: 360 }
const MEGABYTE = 1024 * 1024

describe('sound and film', () => {
  test.each([
    ['video/mp4', mp4Of(film), { durationMs: 5_000, width: 640, height: 360 }],
    ['video/mp4', mp4Of({ ...film, turned: true }), { durationMs: 5_000, width: 360, height: 640 }],
    ['video/webm', webmOf(film), { durationMs: 5_000, width: 640, height: 360 }],
    ['video/x-matroska', webmOf(film), { durationMs: 5_000, width: 640, height: 360 }],
    ['audio/webm', webmOf(film), { durationMs: 5_000 }],
    ['audio/wav', wavOf(3), { durationMs: 3_000, width: null, height: null }],
    ['audio/mpeg', mp3Of(100), { durationMs: 2_612, width: null, height: null }],
    ['audio/flac', flacOf(7), { durationMs: 7_000, width: null, height: null }],
    ['audio/ogg', oggOf(4), { durationMs: 4_000, width: null, height: null }],
  ])('say how long and how large they are: %s (%#)', async (type, content, findings) => {
    expect(await inspector.inspect(type, content)).toMatchObject({
      verdict: 'fine',
      findings,
      rewritten: null,
      thumbnails: null,
    })
  })

  test.each([
    ['video/mp4', () => mp4Of({ ...film, mdatBytes: 60 * MEGABYTE })],
    ['audio/wav', () => wavOf(3_600, 16_000)],
    ['audio/mpeg', () => mp3Of(100_000)],
  ])('are not read but for their headers: %s', async (type, make) => {
    const before = inspector.files.bytesSent
    const { findings } = (await inspector.inspect(type, make())) as { findings: { durationMs: number } }
    expect(findings.durationMs).toBeGreaterThan(0)
    expect(inspector.files.bytesSent - before).toBeLessThan(MEGABYTE)
  })

  test.each([
    ['a box that ends where the file does', box('moov', [box('trak', [], 0)], 0)],
    ['a box smaller than its header', box('moov', [box('trak', [], 4)])],
    ['a box of 2^63 bytes', longBox('moov', 2n ** 63n)],
    ['boxes in boxes', nestedMp4(5_000).subarray(mp4Begin().length)],
    ['a film that says it lasts for months', mp4Of({ ...film, seconds: 4_000_000 }).subarray(mp4Begin().length)],
  ])('with headers that make no sense have no duration: %s', async (_, boxes) => {
    expect(await inspector.inspect('video/mp4', Buffer.concat([mp4Begin(), boxes]))).toMatchObject({
      verdict: 'fine',
      findings: { durationMs: null },
    })
  })

  test('with any bytes in their headers get a verdict', async () => {
    const kind = fc.constantFrom(
      ['video/mp4', mp4Of(film)] as const,
      ['video/webm', webmOf(film)] as const,
      ['audio/flac', flacOf(7)] as const,
      ['audio/ogg', oggOf(4)] as const,
      ['audio/mpeg', mp3Of(3)] as const,
    )
    const wrong = fc.array(fc.tuple(fc.nat(600), fc.nat(255)), { minLength: 1, maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(kind, wrong, async ([type, whole], bytes) => {
        const content = Buffer.from(whole)
        for (const [index, byte] of bytes) content[index % content.length] = byte
        expect(['fine', 'not_the_declared_type']).toContain((await inspector.inspect(type, content)).verdict)
      }),
      { numRuns: 200 },
    )
  })
})
