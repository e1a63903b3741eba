import { gzipSync } from 'node:zlib'
import type { RejectedReason } from '@parley/protocol'
import { DOCX, docxOf, zipBomb, zipOf } from './archive-files.ts'
import { blackPng, emptyGif, noise, picture, withComment, withGifComment, withPngChunk } from './image-files.ts'
import { box, longBox, mp4Begin, nestedMp4 } from './film-files.ts'
import { circularPdf, lockedPdf, nestedPdf, pdfBomb, pdfOf } from './pdf-files.ts'

export interface HostileFile {
  readonly name: string
  /** As declared. */
  readonly type: string
  readonly content: Buffer
  /** What an inspector of 50 million pixels says. */
  readonly verdict: 'fine' | RejectedReason
  /** Stands in the file, and may not stand in what others get of an image. */
  readonly payload?: string
}

export const SCRIPT = '<script>alert(document.domain)</script>'
const PHP = '<?php system($_GET["c"]); ?>'
const MEGABYTE = 1024 * 1024

/** Two things at once, to who looks at them differently. */
export async function polyglots(): Promise<HostileFile[]> {
  const [jpeg, png, gif, webp] = await Promise.all([
    picture(40, 30).jpeg().toBuffer(),
    picture(40, 30).png().toBuffer(),
    picture(40, 30).gif().toBuffer(),
    picture(40, 30).webp().toBuffer(),
  ])
  const behind = (image: Buffer, payload: Uint8Array | string) => Buffer.concat([image, Buffer.from(payload)])
  const archive = zipOf([{ name: 'payload.html', content: Buffer.from(SCRIPT) }])
  return [
    { name: 'gif-html.gif', type: 'image/gif', content: withGifComment(gif, SCRIPT), verdict: 'fine', payload: SCRIPT },
    { name: 'gif-then-html.gif', type: 'image/gif', content: behind(gif, SCRIPT), verdict: 'fine', payload: SCRIPT },
    { name: 'jpeg-html.jpg', type: 'image/jpeg', content: withComment(jpeg, SCRIPT), verdict: 'fine', payload: SCRIPT },
    {
      name: 'jpeg-zip.jpg',
      type: 'image/jpeg',
      content: behind(jpeg, archive),
      verdict: 'fine',
      payload: 'payload.html',
    },
    {
      name: 'png-php.png',
      type: 'image/png',
      content: behind(withPngChunk(png, 'tEXt', Buffer.from(`Comment\0${PHP}`)), PHP),
      verdict: 'fine',
      payload: PHP,
    },
    { name: 'webp-html.webp', type: 'image/webp', content: behind(webp, SCRIPT), verdict: 'fine', payload: SCRIPT },
    // Only ever saved, so it stays what it is.
    { name: 'pdf-html.pdf', type: 'application/pdf', content: behind(pdfOf(1), SCRIPT), verdict: 'fine' },
    {
      name: 'script.gif',
      type: 'image/gif',
      content: Buffer.from(`GIF89a/*${SCRIPT}*/=1;alert(1)`),
      verdict: 'not_readable',
    },
  ]
}

/** Not what they are called. */
export async function impostors(): Promise<HostileFile[]> {
  const svg = Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg">${SCRIPT}</svg>`)
  const verdict = 'not_the_declared_type'
  return [
    { name: 'svg.png', type: 'image/png', content: svg, verdict },
    { name: 'html.jpg', type: 'image/jpeg', content: Buffer.from(`<!doctype html>${SCRIPT}`), verdict },
    {
      name: 'program.txt',
      type: 'text/plain',
      content: Buffer.concat([Buffer.from('\x7fELF'), Buffer.alloc(100)]),
      verdict,
    },
    {
      name: 'program-at-the-end.csv',
      type: 'text/csv',
      content: Buffer.concat([Buffer.alloc(3 * MEGABYTE, 'a,b\n'), Buffer.alloc(100)]),
      verdict,
    },
    { name: 'jpeg.png', type: 'image/png', content: await picture(9, 9).jpeg().toBuffer(), verdict },
    { name: 'zip.docx', type: DOCX, content: zipOf([{ name: 'a.txt', content: Buffer.from('a') }]), verdict },
    { name: 'html.mp4', type: 'video/mp4', content: Buffer.from(SCRIPT), verdict },
  ]
}

/** Small, until somebody opens them. */
export async function bombs(): Promise<HostileFile[]> {
  const zeros = Buffer.alloc(64 * MEGABYTE)
  return [
    { name: '30000x30000.png', type: 'image/png', content: blackPng(30_000, 30_000), verdict: 'too_many_pixels' },
    { name: '65535x65535.gif', type: 'image/gif', content: emptyGif(65_535, 65_535), verdict: 'too_many_pixels' },
    { name: '42.zip', type: 'application/zip', content: zipBomb(), verdict: 'fine' },
    { name: 'bomb.docx', type: DOCX, content: docxOf(zeros), verdict: 'fine' },
    { name: 'bomb.gz', type: 'application/gzip', content: gzipSync(gzipSync(zeros)), verdict: 'fine' },
    { name: 'bomb.pdf', type: 'application/pdf', content: pdfBomb(), verdict: 'too_much_to_check' },
  ]
}

/** Cut off, or put together so that a reader loses its way. */
export async function broken(): Promise<HostileFile[]> {
  const jpeg = await noise(300, 200).jpeg().toBuffer()
  const mp4 = (name: string, ...boxes: Buffer[]): HostileFile => ({
    name,
    type: 'video/mp4',
    content: Buffer.concat([mp4Begin(), ...boxes]),
    verdict: 'fine',
  })
  return [
    { name: 'half.jpg', type: 'image/jpeg', content: jpeg.subarray(0, jpeg.length / 2), verdict: 'not_readable' },
    mp4('size-0.mp4', box('moov', [box('trak', [], 0)], 0)),
    mp4('size-4.mp4', box('moov', [box('trak', [], 4)])),
    mp4('size-2^63.mp4', longBox('moov', 2n ** 63n)),
    mp4('size-2^53.mp4', longBox('mdat', 2n ** 53n - 1n), box('moov', [])),
    mp4(
      'many-entries.mp4',
      box('moov', [box('trak', [box('mdia', [box('minf', [box('stbl', [box('stsz', [Buffer.alloc(12, 255)])])])])])]),
    ),
    { name: 'nested.mp4', type: 'video/mp4', content: nestedMp4(20_000), verdict: 'fine' },
    { name: 'nested.pdf', type: 'application/pdf', content: nestedPdf(200_000), verdict: 'fine' },
    { name: 'circular.pdf', type: 'application/pdf', content: circularPdf(), verdict: 'fine' },
    { name: 'locked.pdf', type: 'application/pdf', content: lockedPdf(), verdict: 'fine' },
  ]
}

export async function hostileFiles(): Promise<HostileFile[]> {
  return [...(await polyglots()), ...(await impostors()), ...(await bombs()), ...(await broken())]
}
