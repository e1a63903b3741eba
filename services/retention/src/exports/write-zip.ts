import { once } from 'node:events'
import { PassThrough, Readable } from 'node:stream'
import type { Counts } from '@parley/contracts'
import type { S3 } from '@parley/s3'
import { ZipFile } from 'yazl'
import { fileNameIn } from '../domain/file-name-in.ts'
import { putZip, readPage } from '../store/export-objects.ts'
import type { ExportPageRow, JobRow, JobStepRow } from '../store/tables.ts'
import { filesOfUser } from './files-of-user.ts'
import type { Exporting } from './gather.ts'
import { FileGone } from './steady-read.ts'

/** Already small: what is in an export mostly are images. */
const STORED = { compress: false }
const COMPRESSED = { compress: true }

/**
 * Everything that was gathered, as one array of JSON for each kind, and the user's files, read by links that are asked for while
 * the ZIP is written. Nothing is kept in memory whole. Answers the size and what is in it.
 */
export async function writeZip(
  { s3, owners }: { s3: S3; owners: Pick<Exporting, 'media'> },
  of: { job: JobRow; zipId: string; steps: readonly JobStepRow[]; pages: readonly ExportPageRow[] },
  signal: AbortSignal,
): Promise<{ bytes: number; counts: Counts }> {
  const { job, zipId, steps, pages } = of
  const broken = new AbortController()
  const until = AbortSignal.any([signal, broken.signal])
  const zip = new ZipFile()
  const body = new PassThrough()
  let bytes = 0
  const counts = { files: 0, fileBytes: 0, missingFiles: 0 }
  zip.on('error', (error) => body.destroy(error as Error))
  zip.outputStream.on('data', (chunk: Buffer) => (bytes += chunk.byteLength))
  zip.outputStream.pipe(body)

  /** Resolves when it is written. */
  async function add(path: string, content: AsyncIterable<Uint8Array | string>, options: { compress: boolean }) {
    const stream = Readable.from(content, { objectMode: false })
    const ended = once(stream, 'end', { signal: until })
    zip.addReadStream(stream, path, options)
    await ended
  }

  async function addRecords(): Promise<void> {
    for (const [path, ofKind] of Map.groupBy(pages, ({ service, kind }) => `${service}/${kind}.json`)) {
      await add(path, arrayOf(ofKind), COMPRESSED)
    }
  }

  async function* arrayOf(ofKind: readonly ExportPageRow[]): AsyncGenerator<string> {
    yield '[\n'
    let isFirst = true
    for (const { objectId } of ofKind) {
      const records = await readPage(s3, { exportId: job.id, objectId }, until)
      yield (isFirst ? '' : ',\n') + records.map((record) => JSON.stringify(record)).join(',\n')
      isFirst = false
    }
    yield '\n]\n'
  }

  async function addFiles(): Promise<string[]> {
    const missing: string[] = []
    for await (const { id, name, read } of filesOfUser(owners.media, job.userId, until)) {
      const content = read()
      const first = await firstOf(content)
      if (first === 'gone') {
        missing.push(id)
        continue
      }
      await add(`files/${fileNameIn(id, name)}`, counting(first, content), STORED)
      counts.files += 1
    }
    counts.missingFiles = missing.length
    return missing
  }

  async function* counting(first: Uint8Array | undefined, rest: AsyncIterable<Uint8Array>) {
    if (first === undefined) return
    counts.fileBytes += first.byteLength
    yield first
    for await (const chunk of rest) {
      counts.fileBytes += chunk.byteLength
      yield chunk
    }
  }

  const reportOf = (missingFiles: readonly string[]) => ({
    userId: job.userId,
    requestedAt: job.requestedAt,
    services: Object.fromEntries(steps.map(({ service, counts: found }) => [service, found])),
    files: counts.files,
    fileBytes: counts.fileBytes,
    missingFiles,
  })

  async function fill(): Promise<void> {
    await addRecords()
    const missing = await addFiles()
    await add('report.json', textOf(JSON.stringify(reportOf(missing), null, 2)), COMPRESSED)
    zip.end()
  }

  const filling = fill().catch((error: unknown) => {
    body.destroy(error as Error)
    throw error
  })
  try {
    await Promise.all([putZip(s3, { exportId: job.id, zipId }, body, until), filling])
  } finally {
    broken.abort()
    await filling.catch(() => undefined)
  }
  return { bytes, counts: { 's3.bytes': bytes, ...counts } }
}

/** The first bytes of a file, so that one that is gone is known before it has a place in the ZIP. */
async function firstOf(content: AsyncGenerator<Uint8Array>): Promise<Uint8Array | undefined | 'gone'> {
  try {
    const { value } = await content.next()
    return value as Uint8Array | undefined
  } catch (error) {
    if (error instanceof FileGone) return 'gone'
    throw error
  }
}

async function* textOf(text: string): AsyncGenerator<string> {
  yield text
}
