import fc from 'fast-check'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { animation, blackPng, noise, photograph, picture } from './image-files.ts'
import { assertFine, startInspector, type Fine, type InspectorForTest } from './inspector-for-test.ts'

let inspector: InspectorForTest
beforeAll(async () => {
  inspector = await startInspector()
})
afterAll(() => inspector[Symbol.asyncDispose]())

async function fine(type: string, content: Uint8Array, options?: { isAvatar?: boolean }): Promise<Fine> {
  const inspection = await inspector.inspect(type, content, options)
  assertFine(inspection)
  return inspection
}

/** The colour of a pixel, in a picture that is scaled down to 4 x 4. */
async function colourAt(content: Uint8Array, x: number, y: number): Promise<number[]> {
  const { data } = await sharp(content).resize(4, 4, { fit: 'fill' }).removeAlpha().raw().toUint8Array()
  return [...data.subarray((y * 4 + x) * 3, (y * 4 + x) * 3 + 3)]
}

describe('an image', () => {
  test('loses the place where it was taken, its camera and comments, and is turned upright', async () => {
    const content = await photograph(400, 300)
    for (const secret of ['SecretCamera', 'SecretXmp', 'SecretComment']) expect(content.includes(secret)).toBe(true)

    const { findings, rewritten, thumbnails } = await fine('image/jpeg', content)
    expect(findings).toMatchObject({ width: 300, height: 400, durationMs: null, pages: null })
    for (const bytes of [rewritten!, thumbnails!.small, thumbnails!.large]) {
      expect(Buffer.from(bytes).includes('Secret')).toBe(false)
      const header = await sharp(bytes).metadata()
      expect(header).not.toHaveProperty('exif')
      expect(header).not.toHaveProperty('xmp')
      expect(header).not.toHaveProperty('icc')
      expect(header.orientation ?? 1).toBe(1)
      expect(header.width).toBeLessThan(header.height)
      // What was at the bottom left is at the top left now.
      const [red, green] = await colourAt(bytes, 0, 0)
      expect(red).toBeLessThan(60)
      expect(green).toBeGreaterThan(170)
    }
  })

  test.each([
    ['image/jpeg', 'jpeg', () => picture(600, 400).jpeg()],
    ['image/jpeg', 'jpeg', () => picture(600, 400).toColourspace('cmyk').jpeg()],
    ['image/jpeg', 'jpeg', () => picture(600, 400).greyscale().jpeg({ progressive: true })],
    ['image/png', 'png', () => picture(600, 400, 4).png()],
    ['image/png', 'png', () => picture(600, 400).png({ palette: true })],
    ['image/webp', 'webp', () => picture(600, 400, 4).webp({ lossless: true })],
    ['image/gif', 'gif', () => picture(600, 400, 4).gif()],
    ['image/avif', 'heif', () => picture(600, 400, 4).avif({ effort: 0 })],
    ['image/tiff', 'tiff', () => picture(600, 400).tiff({ compression: 'lzw' })],
    ['image/tiff', 'tiff', () => picture(600, 400).toColourspace('cmyk').tiff()],
  ])('stays what it is and gets thumbnails, a blurhash and dimensions: %s as %s (%#)', async (type, format, make) => {
    const { findings, rewritten, thumbnails } = await fine(type, await make().toBuffer())
    expect(findings).toMatchObject({ width: 600, height: 400 })
    expect(findings.blurhash).toMatch(/^L.{27}$/)
    expect(await sharp(rewritten!).metadata()).toMatchObject({ format, width: 600, height: 400 })
    expect(await sharp(thumbnails!.small).metadata()).toMatchObject({ format: 'webp', width: 320, height: 213 })
    expect(await sharp(thumbnails!.large).metadata()).toMatchObject({ format: 'webp', width: 600, height: 400 })
  })

  test('keeps its 16 bits for each colour', async () => {
    const { rewritten } = await fine('image/png', await picture(60, 40).toColourspace('rgb16').png().toBuffer())
    expect(await sharp(rewritten!).metadata()).toMatchObject({ format: 'png', depth: 'ushort', width: 60, height: 40 })
  })

  test('of one pixel is one, and its thumbnails are no larger', async () => {
    const { findings, thumbnails } = await fine('image/png', blackPng(1, 1))
    expect(findings).toMatchObject({ width: 1, height: 1, blurhash: expect.any(String) })
    expect(await sharp(thumbnails!.large).metadata()).toMatchObject({ width: 1, height: 1 })
  })

  test.each([
    ['image/gif', () => animation(50, 40, 7).gif({ delay: Array.from({ length: 7 }, () => 120), loop: 3 })],
    ['image/webp', () => animation(50, 40, 7).webp({ delay: Array.from({ length: 7 }, () => 120), loop: 3 })],
  ])('that moves goes on moving, at its pace: %s', async (type, make) => {
    const { findings, rewritten, thumbnails } = await fine(type, await make().toBuffer())
    expect(findings).toMatchObject({ width: 50, height: 40 })
    expect(await sharp(rewritten!).metadata()).toMatchObject({
      pages: 7,
      loop: 3,
      delay: Array.from({ length: 7 }, () => 120),
    })
    expect((await sharp(thumbnails!.small).metadata()).pages ?? 1).toBe(1)
  })

  test('that moves counts with all its frames', async () => {
    await using strict = await startInspector({ maxPixels: 50 * 40 * 6 })
    const gif = await animation(50, 40, 7).gif().toBuffer()
    expect(await strict.inspect('image/gif', gif)).toEqual({ verdict: 'too_many_pixels' })
    expect(await strict.inspect('image/gif', await animation(50, 40, 6).gif().toBuffer())).toMatchObject({
      verdict: 'fine',
    })
  })

  test('of 30,000 x 30,000 pixels is refused by its header alone', async () => {
    expect(await inspector.inspect('image/png', blackPng(30_000, 30_000))).toEqual({ verdict: 'too_many_pixels' })
  })
})

describe('an avatar', () => {
  test.each([
    ['image/jpeg', () => picture(1_200, 800).jpeg(), 512, 128],
    ['image/png', () => picture(300, 900, 4).png(), 300, 128],
    ['image/gif', () => animation(90, 100, 3).gif(), 90, 90],
  ] as const)('becomes a square WebP, and so do its thumbnails: %s', async (type, make, side, small) => {
    const { findings, rewritten, thumbnails } = await fine(type, await make().toBuffer(), { isAvatar: true })
    expect(findings).toMatchObject({ width: side, height: side, blurhash: expect.any(String) })
    expect(await sharp(rewritten!).metadata()).toMatchObject({ format: 'webp', width: side, height: side })
    expect(await sharp(thumbnails!.large).metadata()).toMatchObject({ format: 'webp', width: side, height: side })
    expect(await sharp(thumbnails!.small).metadata()).toMatchObject({ format: 'webp', width: small, height: small })
  })

  test('is an image and nothing else', async () => {
    const text = Buffer.from('hello')
    expect(await inspector.inspect('text/plain', text, { isAvatar: true })).toEqual({
      verdict: 'not_the_declared_type',
    })
  })
})

describe('whatever is sent as an image gets a verdict', () => {
  // A wrong byte can make a small image a large one, in its header.
  const refused = ['not_readable', 'not_the_declared_type', 'too_many_pixels', 'too_much_to_check']

  test('a JPEG of which a part is missing is not readable', async () => {
    const jpeg = await noise(200, 150).jpeg().toBuffer()
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: Math.floor(jpeg.length * 0.95) }), async (length) => {
        const { verdict } = await inspector.inspect('image/jpeg', jpeg.subarray(0, length))
        expect(refused).toContain(verdict)
      }),
      { numRuns: 60 },
    )
  })

  test.each([
    ['image/png', () => noise(60, 50).png()],
    ['image/webp', () => noise(60, 50).webp()],
    ['image/gif', () => animation(60, 50, 4).gif()],
    ['image/avif', () => noise(60, 50).avif({ effort: 0 })],
    ['image/tiff', () => noise(60, 50).tiff()],
  ])('%s cut off or with wrong bytes in it', async (type, make) => {
    const whole = await make().toBuffer()
    const at = fc.integer({ min: 0, max: whole.length - 1 })
    await fc.assert(
      fc.asyncProperty(at, fc.array(fc.tuple(at, fc.nat(255)), { maxLength: 8 }), async (length, wrong) => {
        const content = Buffer.from(whole.subarray(0, wrong.length === 0 ? Math.max(1, length) : undefined))
        for (const [index, byte] of wrong) content[index] = byte
        expect([...refused, 'fine']).toContain((await inspector.inspect(type, content)).verdict)
      }),
      { numRuns: 60 },
    )
  })

  test('anything behind the signature of an image', async () => {
    const signatures = {
      'image/jpeg': [0xff, 0xd8, 0xff, 0xe0],
      'image/png': [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52],
      'image/gif': [0x47, 0x49, 0x46, 0x38, 0x39, 0x61],
      'image/webp': [0x52, 0x49, 0x46, 0x46, 255, 0, 0, 0, 0x57, 0x45, 0x42, 0x50, 0x56, 0x50, 0x38],
      'image/avif': [0, 0, 0, 24, 0x66, 0x74, 0x79, 0x70, 0x61, 0x76, 0x69, 0x66],
      'image/tiff': [0x49, 0x49, 0x2a, 0, 8, 0, 0, 0],
    }
    const signature = fc.constantFrom(...Object.entries(signatures))
    await fc.assert(
      fc.asyncProperty(signature, fc.uint8Array({ maxLength: 400 }), async ([type, start], bytes) => {
        const { verdict } = await inspector.inspect(type, Buffer.concat([Buffer.from(start), bytes]))
        expect(refused).toContain(verdict)
      }),
      { numRuns: 150 },
    )
  })
})
