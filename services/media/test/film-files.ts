/** Short files of sound and film, by hand: headers as programs write them, and hardly anything behind. */

const text = (value: string): Buffer => Buffer.from(value, 'latin1')
const u16 = (...values: number[]): Buffer => Buffer.from(values.flatMap((value) => [(value >> 8) & 255, value & 255]))
const u32 = (...values: number[]): Buffer =>
  Buffer.from(new Uint32Array(values.map((value) => value >>> 0)).buffer).swap32()

/** A box of an MP4 file (ISO 14496-12), or of what its size says. */
export function box(type: string, content: readonly Uint8Array[], size?: number): Buffer {
  const inside = Buffer.concat(content)
  return Buffer.concat([u32(size ?? inside.length + 8), text(type), inside])
}

/** A box with a size of 64 bits. */
export const longBox = (type: string, size: bigint): Buffer => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(size)
  return Buffer.concat([u32(1), text(type), bytes])
}

export const mp4Begin = (brand = 'isom'): Buffer => box('ftyp', [text(brand), u32(512), text('isomiso2avc1mp41')])

const UPRIGHT = [0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000]
const TURNED = [0, 0x10000, 0, -0x10000, 0, 0, 0, 0, 0x40000000]

/** `mdatBytes` of film stand before the headers, as cameras write them. */
export function mp4Of(film: {
  seconds: number
  width: number
  height: number
  turned?: boolean
  mdatBytes?: number
}): Buffer {
  const { seconds, width, height, turned = false, mdatBytes = 16 } = film
  const matrix = turned ? TURNED : UPRIGHT
  const duration = seconds * 1_000
  const movieHeader = box('mvhd', [
    u32(0, 0, 0, 1_000, duration, 0x10000, 0x1000000, 0, 0, ...UPRIGHT, 0, 0, 0, 0, 0, 0, 2),
  ])
  const trackHeader = box('tkhd', [u32(3, 0, 0, 1, 0, duration, 0, 0, 0, 0, ...matrix, width << 16, height << 16)])
  const picture = box('avc1', [
    u32(0),
    u16(0, 1),
    u32(0, 0, 0, 0),
    u16(width, height),
    u32(0x480000, 0x480000, 0),
    u16(1),
    Buffer.alloc(32),
    u16(24, 0xffff),
  ])
  const samples = box('stbl', [
    box('stsd', [u32(0, 1), picture]),
    box('stts', [u32(0, 1, 1, duration)]),
    box('stsc', [u32(0, 1, 1, 1, 1)]),
    box('stsz', [u32(0, 0, 1, 16)]),
    box('stco', [u32(0, 1, 40)]),
  ])
  const media = box('mdia', [
    box('mdhd', [u32(0, 0, 0, 1_000, duration, 0x55c40000)]),
    box('hdlr', [u32(0, 0), text('vide'), u32(0, 0, 0), text('film\0')]),
    box('minf', [box('vmhd', [u32(1, 0, 0)]), samples]),
  ])
  const movie = box('moov', [movieHeader, box('trak', [trackHeader, media])])
  return Buffer.concat([mp4Begin(), box('mdat', [Buffer.alloc(mdatBytes)]), movie])
}

/** Boxes in boxes. */
export function nestedMp4(depth: number): Buffer {
  const heads = Array.from({ length: depth }, (_, index) => Buffer.concat([u32((depth - index) * 8), text('moov')]))
  return Buffer.concat([mp4Begin(), ...heads])
}

const element = (id: number[], ...content: Uint8Array[]): Buffer => {
  const inside = Buffer.concat(content)
  return Buffer.concat([Buffer.from(id), Buffer.from([0x40 | (inside.length >> 8), inside.length & 255]), inside])
}
const float = (value: number): Buffer => {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleBE(value)
  return bytes
}

export function webmOf({ seconds, width, height }: { seconds: number; width: number; height: number }): Buffer {
  const head = element([0x1a, 0x45, 0xdf, 0xa3], element([0x42, 0x82], text('webm')))
  const info = element(
    [0x15, 0x49, 0xa9, 0x66],
    element([0x2a, 0xd7, 0xb1], Buffer.from([0x0f, 0x42, 0x40])),
    element([0x44, 0x89], float(seconds * 1_000)),
  )
  const video = element([0xe0], element([0xb0], u16(width)), element([0xba], u16(height)))
  const track = element(
    [0xae],
    element([0xd7], Buffer.from([1])),
    element([0x83], Buffer.from([1])),
    element([0x86], text('V_VP9')),
    video,
  )
  return Buffer.concat([head, element([0x18, 0x53, 0x80, 0x67], info, element([0x16, 0x54, 0xae, 0x6b], track))])
}

/** 8 bits, mono. */
export function wavOf(seconds: number, rate = 8_000): Buffer {
  const head = Buffer.alloc(44)
  const bytes = seconds * rate
  head.write('RIFF', 0)
  head.writeUInt32LE(36 + bytes, 4)
  head.write('WAVEfmt ', 8)
  head.writeUInt32LE(16, 16)
  head.writeUInt16LE(1, 20)
  head.writeUInt16LE(1, 22)
  head.writeUInt32LE(rate, 24)
  head.writeUInt32LE(rate, 28)
  head.writeUInt16LE(1, 32)
  head.writeUInt16LE(8, 34)
  head.write('data', 36)
  head.writeUInt32LE(bytes, 40)
  return Buffer.concat([head, Buffer.alloc(bytes, 128)])
}

/** MPEG 1 layer III, 128 kbit/s, 44.1 kHz: 26 ms and 417 bytes each. */
export function mp3Of(frames: number): Buffer {
  const frame = Buffer.alloc(417)
  frame.set([0xff, 0xfb, 0x90, 0xc4])
  return Buffer.concat(Array.from({ length: frames }, () => frame))
}

export function flacOf(seconds: number): Buffer {
  const info = Buffer.alloc(34)
  info.writeUInt16BE(4096, 0)
  info.writeUInt16BE(4096, 2)
  // 20 bits of rate, 3 of channels less one, 5 of bits less one, 36 of samples.
  info.writeBigUInt64BE((44_100n << 44n) | (1n << 41n) | (15n << 36n) | BigInt(seconds * 44_100), 10)
  return Buffer.concat([text('fLaC'), Buffer.from([0x80, 0, 0, 34]), info, Buffer.from([0xff, 0xf8, 0xc9, 0x18])])
}

export function oggOf(seconds: number): Buffer {
  const rate = 48_000
  const head = Buffer.concat([
    text('OpusHead'),
    Buffer.from([1, 2, 0, 0]),
    Buffer.from(new Uint32Array([rate]).buffer),
    Buffer.alloc(3),
  ])
  const tags = Buffer.concat([text('OpusTags'), Buffer.alloc(8)])
  return Buffer.concat([
    oggPage(2, 0, 0, head),
    oggPage(0, 0, 1, tags),
    oggPage(4, seconds * rate, 2, Buffer.alloc(20)),
  ])
}

function oggPage(kind: number, samples: number, sequence: number, packet: Buffer): Buffer {
  const head = Buffer.alloc(28)
  head.write('OggS', 0)
  head[5] = kind
  head.writeBigUInt64LE(BigInt(samples), 6)
  head.writeUInt32LE(7, 14)
  head.writeUInt32LE(sequence, 18)
  head[26] = 1
  head[27] = packet.length
  return Buffer.concat([head, packet])
}
