import sharp, { type Sharp } from 'sharp'
import { crc32, deflateSync } from 'node:zlib'

/** Something to look at: four colours, one in each corner. */
export function picture(width: number, height: number, channels: 3 | 4 = 3): Sharp {
  const data = new Uint8Array(width * height * channels)
  for (let at = 0; at < width * height; at++) {
    const [right, low] = [at % width >= width / 2, Math.floor(at / width) >= height / 2]
    data.set([right ? 230 : 20, low ? 210 : 30, right === low ? 200 : 10, 128].slice(0, channels), at * channels)
  }
  return sharp(data, { raw: { width, height, channels } })
}

/** As hard to compress as can be. */
export const noise = (width: number, height: number): Sharp =>
  sharp({
    create: { width, height, channels: 3, background: 'grey', noise: { type: 'gaussian', mean: 128, sigma: 40 } },
  })

/** `frames` of them, one above the other, become an animation. */
export function animation(width: number, height: number, frames: number): Sharp {
  const data = new Uint8Array(width * height * frames * 3)
  for (let frame = 0; frame < frames; frame++) {
    data.fill(frame * 20, frame * width * height * 3, (frame + 1) * width * height * 3)
  }
  return sharp(data, { raw: { width, height: height * frames, channels: 3, pageHeight: height } })
}

/** A photograph as a telephone makes it: lying on its side, with the place where it was taken, and a comment. */
export async function photograph(width: number, height: number): Promise<Buffer> {
  const taken = await picture(width, height)
    .withExif({ IFD0: { Make: 'SecretCamera' }, IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '52/1 31/1 0/1' } })
    .withXmp('<x:xmpmeta xmlns:x="adobe:ns:meta/">SecretXmp</x:xmpmeta>')
    .withMetadata({ orientation: 6 })
    .jpeg()
    .toBuffer()
  return withComment(taken, 'SecretComment')
}

/** A JPEG with a comment in its header. */
export function withComment(jpeg: Uint8Array, comment: string): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(comment.length + 2)
  return Buffer.concat([jpeg.subarray(0, 2), Buffer.from([0xff, 0xfe]), length, Buffer.from(comment), jpeg.subarray(2)])
}

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])

export function pngChunk(type: string, content: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type), content])
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(content.length)
  sum.writeUInt32BE(crc32(body))
  return Buffer.concat([length, body, sum])
}

/** Black and white, one bit each: 30,000 x 30,000 of them are 110 KB. */
export function blackPng(width: number, height: number): Buffer {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width)
  header.writeUInt32BE(height, 4)
  header[8] = 1
  const rows = Buffer.alloc((Math.ceil(width / 8) + 1) * height)
  const chunks = [pngChunk('IHDR', header), pngChunk('IDAT', deflateSync(rows)), pngChunk('IEND', Buffer.alloc(0))]
  return Buffer.concat([SIGNATURE, ...chunks])
}

/** A PNG with one more chunk before its last. */
export function withPngChunk(png: Uint8Array, type: string, content: Uint8Array): Buffer {
  const end = png.length - 12
  return Buffer.concat([png.subarray(0, end), pngChunk(type, content), png.subarray(end)])
}

/** A GIF that says it is so large, and has nothing in it. */
export function emptyGif(width: number, height: number): Buffer {
  const size = Buffer.from(new Uint16Array([width, height]).buffer)
  return Buffer.concat([
    Buffer.from('GIF89a'),
    size,
    Buffer.from([0x80, 0, 0, 0, 0, 0, 255, 255, 255, 0x2c, 0, 0, 0, 0]),
    size,
    Buffer.from([0, 2, 2, 0x44, 1, 0, 0x3b]),
  ])
}

/** A GIF with a comment behind its header. */
export function withGifComment(gif: Uint8Array, comment: string): Buffer {
  const flags = gif[10]!
  const behind = 13 + ((flags & 0x80) === 0 ? 0 : 3 * 2 ** ((flags & 7) + 1))
  const block = Buffer.concat([Buffer.from([0x21, 0xfe, comment.length]), Buffer.from(comment), Buffer.from([0])])
  return Buffer.concat([gif.subarray(0, behind), block, gif.subarray(behind)])
}
