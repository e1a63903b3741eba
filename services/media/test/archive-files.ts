import { crc32, deflateRawSync } from 'node:zlib'

interface Entry {
  readonly name: string
  readonly content: Uint8Array
}

/** A ZIP file. Its content can be the same buffer many times: it is compressed once. */
export function zipOf(entries: readonly Entry[]): Buffer {
  const packed = new Map<Uint8Array, { data: Buffer; crc: number }>()
  const files: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const { name, content } of entries) {
    const { data, crc } = packed.get(content) ?? { data: deflateRawSync(content), crc: crc32(content) }
    packed.set(content, { data, crc })
    const nameBytes = Buffer.from(name)
    // Version, flags, method (deflate), time, date, checksum, sizes and the length of the name: both headers have them.
    const both = Buffer.concat([u16(20, 0, 8, 0, 0), u32(crc, data.length, content.length), u16(nameBytes.length, 0)])
    const file = Buffer.concat([Buffer.from('PK\x03\x04'), both, nameBytes, data])
    files.push(file)
    directory.push(Buffer.concat([Buffer.from('PK\x01\x02'), u16(20), both, u16(0, 0, 0), u32(0, offset), nameBytes]))
    offset += file.length
  }
  const listed = Buffer.concat(directory)
  const end = [Buffer.from('PK\x05\x06'), u16(0, 0, entries.length, entries.length), u32(listed.length, offset), u16(0)]
  return Buffer.concat([...files, listed, ...end])
}

/** 1 GB of zeros in archives in an archive: less than 20 KB. */
export function zipBomb(): Buffer {
  const zeros = Buffer.alloc(16 * 1024 * 1024)
  const inner = zipOf(Array.from({ length: 8 }, (_, index) => ({ name: `${index}.dll`, content: zeros })))
  return zipOf(Array.from({ length: 8 }, (_, index) => ({ name: `lib ${index}.zip`, content: inner })))
}

const contentTypes = (part: string) =>
  Buffer.from(
    `<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">` +
      `<Override PartName="/word/document.xml" ContentType="${part}"/></Types>`,
  )

export const DOCX = 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'

/** A Word file with this text; `before` stands in it first. */
export function docxOf(text: Uint8Array, before: readonly Entry[] = []): Buffer {
  return zipOf([
    ...before,
    { name: '[Content_Types].xml', content: contentTypes(`${DOCX}.main+xml`) },
    { name: 'word/document.xml', content: text },
  ])
}

function u16(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2)
  values.forEach((value, index) => bytes.writeUInt16LE(value, index * 2))
  return bytes
}

function u32(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4)
  values.forEach((value, index) => bytes.writeUInt32LE(value, index * 4))
  return bytes
}
