import { constants, deflateRawSync, deflateSync } from 'node:zlib'

/** A PDF of these objects, the first of which is its catalog. */
export function pdfOfObjects(objects: readonly (string | Uint8Array)[], trailer = ''): Buffer {
  const parts: Buffer[] = [Buffer.from('%PDF-1.7\n%\xe2\xe3\xcf\xd3\n', 'latin1')]
  const offsets: number[] = []
  let at = parts[0]!.length
  objects.forEach((object, index) => {
    offsets.push(at)
    const part = Buffer.concat([Buffer.from(`${index + 1} 0 obj\n`), Buffer.from(object), Buffer.from('\nendobj\n')])
    parts.push(part)
    at += part.length
  })
  const entries = offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`).join('')
  const size = objects.length + 1
  parts.push(
    Buffer.from(
      `xref\n0 ${size}\n0000000000 65535 f \n${entries}` +
        `trailer\n<< /Size ${size} /Root 1 0 R ${trailer} >>\nstartxref\n${at}\n%%EOF\n`,
    ),
  )
  return Buffer.concat(parts)
}

const CATALOG = '<< /Type /Catalog /Pages 2 0 R >>'
const PAGE = '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] >>'

/** `told` is what it says of itself; `filling` stands in it, and is not needed. */
export function pdfOf(pages: number, { told = pages, filling = 0, trailer = '' } = {}): Buffer {
  const kids = Array.from({ length: pages }, (_, index) => `${index + 3} 0 R`).join(' ')
  const stream = Buffer.concat([
    Buffer.from(`<< /Length ${filling} >>\nstream\n`),
    Buffer.alloc(filling, 'x'),
    Buffer.from('\nendstream'),
  ])
  return pdfOfObjects(
    [
      CATALOG,
      `<< /Type /Pages /Count ${told} /Kids [${kids}] >>`,
      ...Array.from({ length: pages }, () => PAGE),
      ...(filling > 0 ? [stream] : []),
    ],
    trailer,
  )
}

/** It cannot be opened without a password. */
export const lockedPdf = (): Buffer =>
  pdfOf(2, {
    trailer:
      `/ID [<${'00'.repeat(16)}> <${'00'.repeat(16)}>] ` +
      `/Encrypt << /Filter /Standard /V 1 /R 2 /P -44 /O <${'ab'.repeat(32)}> /U <${'cd'.repeat(32)}> >>`,
  })

/** Its pages are its own parents. */
export const circularPdf = (): Buffer => pdfOfObjects([CATALOG, '<< /Type /Pages /Count 5 /Kids [2 0 R 2 0 R] >>'])

/** Lists in lists in lists. */
export const nestedPdf = (depth: number): Buffer =>
  pdfOfObjects([`<< /Type /Catalog /Pages ${'['.repeat(depth)}${']'.repeat(depth)} >>`])

/** A table of contents that is 2 GB long, in 4 KB: it is compressed twice. */
export function pdfBomb(): Buffer {
  // A part that ends at a whole byte, and is not the last, can stand there many times.
  const part = deflateRawSync(Buffer.alloc(64 * 1024 * 1024), { finishFlush: constants.Z_SYNC_FLUSH })
  const whole = Buffer.concat([
    Buffer.from([0x78, 0x9c]),
    ...Array.from({ length: 32 }, () => part),
    Buffer.from([3, 0]),
  ])
  const packed = deflateSync(whole)
  const start = Buffer.from('%PDF-1.7\n')
  const table = Buffer.concat([
    Buffer.from(
      `1 0 obj\n<< /Type /XRef /Size 400000000 /W [1 2 1] /Root 2 0 R /Filter [/FlateDecode /FlateDecode] ` +
        `/Length ${packed.length} >>\nstream\n`,
    ),
    packed,
    Buffer.from('\nendstream\nendobj\n'),
  ])
  return Buffer.concat([start, table, Buffer.from(`startxref\n${start.length}\n%%EOF\n`)])
}
