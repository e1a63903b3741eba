import { once } from 'node:events'
import { PassThrough, Readable } from 'node:stream'
import { must } from '@parley/bus'
import type { Counts } from '@parley/contracts'
import type { S3 } from '@parley/s3'
import { ZipFile } from 'yazl'
import { fileNameIn } from '../domain/file-name-in.ts'
import { listGathered, putZip, readGathered } from '../store/export-objects.ts'
import type { JobRow, JobStepRow } from '../store/tables.ts'
import type { Exporting } from './gather.ts'
import { FileGone, readSteadily } from './steady-read.ts'

/** Already small: what is in an export mostly are images. */
const STORED = { compress: false }
const COMPRESSED = { compress: true }

/**
 * Everything that was gathered, as one array of JSON for each kind, and the user's files, read by links that are asked for while
 * the ZIP is written. Nothing is kept in memory whole. Answers the size and what is in it.
 */
export async function writeZip(
  { s3, owners }: { s3: S3; owners: Pick<Exporting, 'media'> },
  job: JobRow,
  steps: readonly JobStepRow[],
  signal: AbortSignal,
): Promise<{ bytes: number; counts: Counts }> {
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

  async function addFiles(): Promise<void> {
    const missing: string[] = []
    let cursor: string | null = null
    do {
      const page: Awaited<ReturnType<typeof ask>> = await ask(cursor)
      for (const { id, name, url } of page.files) {
        const content = readSteadily(url, until)
        const first = await firstOf(content)
        if (first === 'gone') {
          missing.push(id)
          continue
        }
        await add(`files/${fileNameIn(id, name)}`, counting(first, content), STORED)
        counts.files += 1
      }
      cursor = page.cursor
    } while (cursor !== null)
    counts.missingFiles = missing.length
    await add('report.json', textOf(JSON.stringify(reportOf(missing), null, 2)), COMPRESSED)
  }

  const ask = async (cursor: string | null) => {
    until.throwIfAborted()
    return must(await owners.media.exportUser({ userId: job.userId, cursor }))
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
    services: Object.fromEntries(steps.map(({ service, counts: { pages: _, ...found } }) => [service, found])),
    files: counts.files,
    missingFiles,
  })

  async function fill(): Promise<void> {
    for (const [path, keys] of await listGathered(s3, job.id)) {
      await add(`${path}.json`, arrayOf(s3, keys), COMPRESSED)
    }
    await addFiles()
    zip.end()
  }

  const filling = fill().catch((error: unknown) => {
    body.destroy(error as Error)
    throw error
  })
  try {
    await Promise.all([putZip(s3, job.id, body, until), filling])
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

async function* arrayOf(s3: S3, keys: readonly string[]): AsyncGenerator<string> {
  yield '[\n'
  let isFirst = true
  for (const key of keys) {
    const records = (await readGathered(s3, key)).map((record) => JSON.stringify(record))
    if (records.length === 0) continue
    yield (isFirst ? '' : ',\n') + records.join(',\n')
    isFirst = false
  }
  yield '\n]\n'
}

async function* textOf(text: string): AsyncGenerator<string> {
  yield text
}
