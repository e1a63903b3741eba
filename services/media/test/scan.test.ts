import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type AddressInfo, type ListenOptions, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { deflateRawSync } from 'node:zlib'
import { EICAR, MALWARE_FOR_TESTS, silentLog, testClamd, type TestServer } from '@parley/testing'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { openScanner } from '../src/scan/open-scanner.ts'
import { zipOf } from './archive-files.ts'
import { actorOf, keysOf, memberOf, post, reserve, startForTest, text } from './start-for-test.ts'

const STREAM_MAX_BYTES = 1_000_000

let clamd: TestServer
beforeAll(async () => void (clamd = await testClamd({ streamMaxBytes: STREAM_MAX_BYTES })), 300_000)
afterAll(() => clamd?.[Symbol.asyncDispose]())

const never = new AbortController().signal

async function* inChunks(content: Uint8Array | string, bytes = 64 * 1024): AsyncGenerator<Uint8Array> {
  const all = Buffer.from(content)
  for (let start = 0; start < all.length; start += bytes) yield all.subarray(start, start + bytes)
}

function scannerFor(url: string, timeoutMs = 20_000) {
  const scanner = openScanner({ url, timeoutMs, log: silentLog })
  onTestFinished(() => scanner[Symbol.asyncDispose]())
  return scanner
}

describe('a scan', () => {
  test('finds what ClamAV knows, whole, in small pieces, and in archives, and nothing in what is clean', async () => {
    const scanner = scannerFor(clamd.url)
    expect(await scanner.scan(inChunks(EICAR), never)).toBe('infected')
    expect(await scanner.scan(inChunks(`${'x'.repeat(5_000)}${MALWARE_FOR_TESTS}${'y'.repeat(5_000)}`, 7), never)).toBe(
      'infected',
    )
    const archive = zipOf([{ name: 'inner.txt', content: Buffer.from(EICAR) }])
    expect(await scanner.scan(inChunks(archive), never)).toBe('infected')
    expect(await scanner.scan(inChunks(zipOf([{ name: 'inner.zip', content: archive }])), never)).toBe('infected')
    expect(deflateRawSync(EICAR).includes(EICAR)).toBe(false)
    expect(await scanner.scan(inChunks('nothing bad'), never)).toBe('clean')
    expect(await scanner.scan(inChunks(''), never)).toBe('clean')
  })

  test('of what is larger than ClamAV takes says so', async () => {
    const scanner = scannerFor(clamd.url)
    expect(await scanner.scan(inChunks('x'.repeat(STREAM_MAX_BYTES - 1)), never)).toBe('clean')
    // It hangs up in the midst of these, and its answer can be lost with that.
    for (const times of [1.1, 2, 3, 3, 3, 3, 3, 3, 30]) {
      expect(await scanner.scan(inChunks('x'.repeat(STREAM_MAX_BYTES * times)), never)).toBe('too_large_to_scan')
    }
  })

  test('of a file that ClamAV does not look at as a whole says that too, and not that it is clean', async () => {
    const scanner = scannerFor(clamd.url)
    // As much in a file of an archive as would be too much of a file.
    const packed = zipOf([{ name: 'large.txt', content: Buffer.alloc(STREAM_MAX_BYTES * 2, 'x') }])
    expect(packed.length).toBeLessThan(STREAM_MAX_BYTES)
    expect(await scanner.scan(inChunks(packed), never)).toBe('too_large_to_scan')
  })

  test('is done for many at once', async () => {
    const scanner = scannerFor(clamd.url)
    const contents = Array.from({ length: 30 }, (_, index) => (index % 3 === 0 ? EICAR : `clean ${index}`))
    const scanned = await Promise.all(contents.map((content) => scanner.scan(inChunks(content), never)))
    expect(scanned).toEqual(contents.map((content) => (content === EICAR ? 'infected' : 'clean')))
  })

  test('of content that breaks off fails, and is never clean', async () => {
    const scanner = scannerFor(clamd.url)
    async function* broken() {
      yield Buffer.from('the beginning')
      throw new Error('broken off')
    }
    await expect(scanner.scan(broken(), never)).rejects.toThrow('broken off')
    const stopping = new AbortController()
    async function* stopped() {
      yield Buffer.from('the beginning')
      stopping.abort(new Error('stopped'))
      await new Promise(() => undefined)
    }
    await expect(scanner.scan(stopped(), stopping.signal)).rejects.toThrow('stopped')
    await expect(scanner.scan(inChunks('never asked'), AbortSignal.abort(new Error('before')))).rejects.toThrow(
      'before',
    )
  })

  test('ends with its scanner', async () => {
    const scanner = scannerFor(await listenAs((socket) => void socket.resume()))
    const scanned = scanner.scan(inChunks('content'), never)
    await scanner[Symbol.asyncDispose]()
    await expect(scanned).rejects.toThrow('the scanner was closed')
  })

  test('tells when ClamAV answers', async () => {
    await expect(scannerFor(clamd.url).check()).resolves.toBeUndefined()
    await expect(scannerFor('tcp://127.0.0.1:1').check()).rejects.toThrow('ECONNREFUSED')
  })

  test('can go through a Unix socket, and to an IPv6 address', async () => {
    const path = join(await mkdtemp(join(tmpdir(), 'clamd of test ')), 'clamd.ctl')
    onTestFinished(() => rm(dirname(path), { recursive: true }))
    const asClamd = (socket: Socket) => void socket.once('data', () => socket.end('PONG\0'))
    await listenAs(asClamd, { path })
    await scannerFor(`unix://${encodeURI(path)}`).check()
    const { port } = new URL(await listenAs(asClamd, { host: '::1', port: 0 }))
    await scannerFor(`tcp://[::1]:${port}`).check()
  })
})

describe('without ClamAV', () => {
  test('killed, frozen or away, nothing is said; when it is back, it is', async () => {
    await using own = await testClamd()
    const scanner = scannerFor(own.url, 2_000)
    process.kill(own.pid, 'SIGSTOP')
    await expect(scanner.scan(inChunks('clean'), never)).rejects.toThrow()
    await expect(scanner.check()).rejects.toThrow()
    process.kill(own.pid, 'SIGCONT')
    expect(await scanner.scan(inChunks('clean'), never)).toBe('clean')
    async function* whileItIsKilled() {
      yield Buffer.from('the beginning')
      await own.kill()
      for (let chunk = 0; chunk < 1_000; chunk += 1) yield Buffer.alloc(1_000)
    }
    await expect(scanner.scan(whileItIsKilled(), never)).rejects.toThrow()
    await expect(scanner.scan(inChunks('clean'), never)).rejects.toThrow('ECONNREFUSED')
    await own.restart()
    expect(await scanner.scan(inChunks(EICAR), never)).toBe('infected')
  }, 60_000)

  test('that takes nothing, no more is read of a file than fits into the sockets between', async () => {
    await using own = await testClamd({ streamMaxBytes: 1_000_000_000 })
    process.kill(own.pid, 'SIGSTOP')
    let read = 0
    async function* endless() {
      for (;;) {
        read += 64 * 1024
        yield Buffer.alloc(64 * 1024)
      }
    }
    await expect(scannerFor(own.url, 1_500).scan(endless(), never)).rejects.toThrow()
    expect(read).toBeLessThan(32 * 1024 * 1024)
    process.kill(own.pid, 'SIGCONT')
  })

  const nonsense: [string, (socket: Socket) => void][] = [
    ['hangs up at once', (socket) => socket.destroy()],
    ['ends without a word', (socket) => socket.end()],
    ['breaks off in the middle of its answer', (socket) => socket.end('stream: O')],
    ['answers something else', (socket) => socket.end('stream: OK, mostly\0')],
    ['answers with an error', (socket) => socket.end('UNKNOWN COMMAND\0')],
    ['says OK of nothing', (socket) => socket.end('OK\0')],
    ['resets the connection', (socket) => socket.resetAndDestroy()],
    ['talks without end', (socket) => void socket.write('x'.repeat(100_000))],
  ]
  test('a server that calls clean what it has only a part of is not believed', async () => {
    const url = await listenAs((socket) => void socket.write('stream: OK\0'))
    async function* more() {
      yield Buffer.from('the beginning')
      await new Promise(() => undefined)
    }
    await expect(scannerFor(url).scan(more(), never)).rejects.toThrow('only a part')
  })

  test.each(nonsense)('a server that %s leaves nothing said', async (_, behave) => {
    const url = await listenAs(behave)
    await expect(scannerFor(url, 3_000).scan(inChunks('content'), never)).rejects.toThrow()
  })
})

describe('an upload, where files are scanned', () => {
  test('is rejected when it is infected, whatever its type, and nothing of it is left', async () => {
    await using service = await startForTest({ clamd: { url: clamd.url, timeoutMs: 10_000 } })
    const alice = memberOf(service)
    const files = [
      { type: 'text/plain', content: text(EICAR) },
      { type: 'application/zip', content: zipOf([{ name: 'eicar.txt', content: Buffer.from(EICAR) }]) },
    ]
    for (const file of files) {
      const { upload, form } = await reserve(service, alice, file)
      await post(form, file.content)
      const completed = await service.calls.completeUpload({ ...actorOf(alice), id: upload.id })
      expect(completed).toMatchObject({ refusal: { code: 'upload_rejected', data: { reason: 'infected' } } })
    }
    await expect.poll(() => keysOf(service), { timeout: 10_000 }).toEqual([])
  })

  test('stays unchecked while the scanner is away, and is checked when it is back', async () => {
    await using own = await testClamd()
    await using service = await startForTest({ clamd: { url: own.url, timeoutMs: 5_000 } })
    const alice = memberOf(service)
    await own.kill()
    const file = { type: 'text/plain', content: text('clean') }
    const { upload, form } = await reserve(service, alice, file)
    await post(form, file.content)
    const request = { ...actorOf(alice), id: upload.id }
    expect(await service.calls.completeUpload(request)).toMatchObject({ value: { state: 'checking' } })
    expect(await service.calls.downloadMedia(request)).toMatchObject({ refusal: { code: 'upload_not_found' } })
    await own.restart()
    await expect
      .poll(() => service.calls.getUpload(request), { timeout: 30_000 })
      .toMatchObject({ value: { state: 'ready' } })
  }, 90_000)
})

/** A server in the place of ClamAV. Answers its address. */
async function listenAs(
  behave: (socket: Socket) => void,
  where: ListenOptions = { host: '127.0.0.1', port: 0 },
): Promise<string> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    behave(socket)
  })
  server.listen(where)
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`
}
