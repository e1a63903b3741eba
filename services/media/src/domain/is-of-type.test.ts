import { fileTypeFromBuffer } from 'file-type'
import { describe, expect, test } from 'vitest'
import { isOfType, isText } from './is-of-type.ts'
import { mediaTypeOf } from './media-types.ts'

const bytes = (...parts: (string | number[])[]): Uint8Array =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from(part))))
const filled = (start: Uint8Array): Uint8Array => Buffer.concat([start, Buffer.alloc(2_000)])

const jpeg = filled(bytes([0xff, 0xd8, 0xff, 0xe0]))
const gif = filled(bytes('GIF89a'))
const mp4 = filled(bytes([0, 0, 0, 24], 'ftypisom'))
const m4a = filled(bytes([0, 0, 0, 24], 'ftypM4A '))
const pdf = bytes('%PDF-1.7\n')
const oldOffice = filled(bytes([0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]))
const program = filled(bytes([0x7f], 'ELF'))
const html = bytes('<!doctype html><p>hello')

async function accepts(type: string, content: Uint8Array): Promise<boolean> {
  const mediaType = mediaTypeOf(type)!
  if (mediaType.content === 'text') return isText(content)
  const sniffed = await fileTypeFromBuffer(content)
  return isOfType(mediaType, sniffed?.mime)
}

describe('content is of the declared type', () => {
  test.each([
    ['image/jpeg', jpeg],
    ['image/gif', gif],
    ['video/mp4', mp4],
    ['audio/mp4', m4a],
    ['audio/x-m4a', m4a],
    ['application/pdf', pdf],
    ['application/msword', oldOffice],
    ['application/vnd.ms-excel', oldOffice],
    ['text/html', html],
    ['text/plain', html],
    ['text/plain', bytes('BMI, a report that begins like a bitmap')],
    ['text/csv', bytes([0x46, 0xfc, 0x72, 0x3b, 0x0d, 0x0a])],
    ['text/plain', bytes([0xef, 0xbb, 0xbf], 'Grüße, 世界 🎁')],
    ['image/svg+xml', bytes('<?xml version="1.0"?><svg/>')],
  ])('when it has the signature or is text: %s', async (type, content) => {
    expect(await accepts(type, content)).toBe(true)
  })

  test.each([
    ['image/png', jpeg],
    ['image/jpeg', html],
    ['image/gif', pdf],
    ['audio/mpeg', mp4],
    ['video/mp4', m4a],
    ['application/pdf', html],
    ['application/zip', oldOffice],
    ['text/plain', program],
    ['text/html', gif],
    ['image/svg+xml', jpeg],
    ['application/json', bytes('{}', [0])],
  ])('not when it is something else: %s', async (type, content) => {
    expect(await accepts(type, content)).toBe(false)
  })
})

test('what is shown in place has a signature, and is an image, sound or film', () => {
  for (const type of ['text/html', 'image/svg+xml', 'application/xhtml+xml', 'text/xml', 'application/xml']) {
    expect(mediaTypeOf(type)).toMatchObject({ inline: false, servedAs: 'application/octet-stream' })
  }
  for (const type of ['application/pdf', 'text/plain', 'application/zip']) {
    expect(mediaTypeOf(type)).toMatchObject({ inline: false, servedAs: type })
  }
  expect(mediaTypeOf('image/png')).toMatchObject({ inline: true, servedAs: 'image/png' })
})

test('images that cannot be drawn anew are not taken', () => {
  for (const type of ['image/heic', 'image/heif', 'image/bmp', 'image/apng', 'image/jxl']) {
    expect(mediaTypeOf(type)).toBeUndefined()
  }
})
