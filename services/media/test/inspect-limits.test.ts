import { readFile } from 'node:fs/promises'
import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import { silentLog } from '@parley/testing'
import { describe, expect, test } from 'vitest'
import { openInspector } from '../src/inspect/open-inspector.ts'
import { noise, picture } from './image-files.ts'
import { startInspector } from './inspector-for-test.ts'
import { rangeOf, serveLinkedFiles } from './linked-files.ts'
import { pdfBomb } from './pdf-files.ts'

const NEVER = new AbortController().signal
const hello = Buffer.from('hello')

/** Of this process, which has none but those of inspectors. */
async function children(): Promise<number[]> {
  const listed = await readFile(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8')
  return listed.split(' ').filter(Boolean).map(Number)
}

describe('what stands behind the link', () => {
  test('is other content than was to be checked, or none: that is a verdict', async () => {
    await using inspector = await startInspector()
    const { files, inspectLinked } = inspector
    const replaced = { verdict: 'replaced_while_checked' }
    for (const status of [404, 412, 416]) {
      expect(
        await inspectLinked(files.linkTo('text/plain', 5, (_, response) => response.writeHead(status).end())),
      ).toEqual(replaced)
    }
    expect(await inspector.inspect('text/plain', hello, { size: 4 })).toEqual(replaced)
    expect(await inspector.inspect('text/plain', hello, { size: 6 })).toEqual(replaced)
    const jpeg = await picture(9, 9).jpeg().toBuffer()
    expect(await inspector.inspect('image/jpeg', jpeg, { size: jpeg.length - 1 })).toEqual(replaced)
  })

  test('does not answer well: that is none, and the next file is looked at as usual', async () => {
    await using inspector = await startInspector()
    const { files, inspectLinked } = inspector
    for (const status of [200, 301, 403, 500, 503]) {
      const file = files.linkTo('text/plain', 5, (_, response) =>
        response.writeHead(status, { location: '/' }).end('hello'),
      )
      await expect(inspectLinked(file)).rejects.toThrow(`answered ${status}`)
    }
    const cut = files.linkTo('text/plain', 5, (_, response) => {
      response.writeHead(206, { 'content-range': 'bytes 0-4/5', 'content-length': 5 }).write('he')
      setImmediate(() => response.destroy())
    })
    await expect(inspectLinked(cut)).rejects.toThrow('the link does not answer')
    const nobody = { ...cut, link: { url: 'http://127.0.0.1:1/', headers: {} } }
    await expect(inspectLinked(nobody)).rejects.toThrow('the link does not answer')
    expect(await inspector.inspect('text/plain', hello)).toMatchObject({ verdict: 'fine' })
  })

  test('stalls in the middle: that is no verdict, for it is not the fault of the file', async () => {
    await using inspector = await startInspector({ timeoutMs: 1_500 })
    const jpeg = await picture(90, 90).jpeg().toBuffer()
    const stalling = inspector.files.linkTo('image/jpeg', jpeg.length, (request, response) => {
      const { bytes, told } = rangeOf(request, jpeg)!
      response.writeHead(206, { 'content-range': told, 'content-length': bytes.length }).write(bytes.subarray(0, 100))
    })
    await expect(inspector.inspectLinked(stalling)).rejects.toThrow('the link does not answer')
    expect(await inspector.inspect('image/jpeg', jpeg)).toMatchObject({ verdict: 'fine' })
  })
})

describe('a file that takes too much', () => {
  test('memory is not looked at to the end, while another is looked at as if nothing were', async () => {
    await using inspector = await startInspector({ atOnce: 2 })
    const image = await picture(500, 500).png().toBuffer()
    const [bomb, ...images] = await Promise.all([
      inspector.inspect('application/pdf', pdfBomb()),
      inspector.inspect('image/png', image),
      inspector.inspect('image/png', image),
      inspector.inspect('image/png', image),
    ])
    expect(bomb).toEqual({ verdict: 'too_much_to_check' })
    for (const { verdict } of images) expect(verdict).toBe('fine')
    expect(await inspector.inspect('image/png', image)).toMatchObject({ verdict: 'fine' })
    expect(await inspector.inspect('image/png', image)).toMatchObject({ verdict: 'fine' })
  })

  test('time is not looked at to the end, and the next one gets a fresh process', async () => {
    await using inspector = await startInspector({ timeoutMs: 1_000 })
    const slow = await noise(4_000, 3_000).webp({ effort: 0 }).toBuffer()
    expect(await inspector.inspect('image/webp', slow)).toEqual({ verdict: 'too_much_to_check' })
    expect(await inspector.inspect('text/plain', hello)).toMatchObject({ verdict: 'fine' })
  })

  test.each([
    ['breaks its process is not readable', 'SIGSEGV', 'not_readable'],
    ['makes the system end its process is too much to check', 'SIGKILL', 'too_much_to_check'],
  ] as const)('so much that it %s, and the next one gets another', async (_, ending, verdict) => {
    await using inspector = await startInspector()
    const arrived = Promise.withResolvers<void>()
    const inspection = inspector.inspectLinked(inspector.files.linkTo('text/plain', 5, () => arrived.resolve()))
    await arrived.promise
    for (const child of await children()) process.kill(child, ending)
    expect(await inspection).toEqual({ verdict })
    expect(await inspector.inspect('text/plain', hello)).toMatchObject({ verdict: 'fine' })
  })

  test('waits for its turn without its time running', async () => {
    await using inspector = await startInspector({ timeoutMs: 3_000 })
    const image = await noise(1_500, 1_000).jpeg().toBuffer()
    const inspections = await Promise.all(Array.from({ length: 14 }, () => inspector.inspect('image/jpeg', image)))
    for (const { verdict } of inspections) expect(verdict).toBe('fine')
  }, 90_000)

  test('does not keep the thread of its caller from answering', async () => {
    await using inspector = await startInspector()
    const slow = await noise(4_000, 3_000).webp({ effort: 0 }).toBuffer()
    let isOver = false
    const inspection = inspector.inspect('image/webp', slow).finally(() => {
      isOver = true
    })
    let turns = 0
    while (!isOver) {
      await turnOfTheLoop()
      turns += 1
    }
    expect(await inspection).toMatchObject({ verdict: 'fine' })
    expect(turns).toBeGreaterThan(1_000)
  })
})

describe('an inspector', () => {
  test('stops at once when it is told to, and looks at other files', async () => {
    await using inspector = await startInspector()
    const aborting = new AbortController()
    const arrived = Promise.withResolvers<void>()
    const silent = inspector.files.linkTo('text/plain', 5, () => arrived.resolve())
    const stopped = ['at work', 'in the queue'].map(() =>
      expect(inspector.inspectLinked(silent, aborting.signal)).rejects.toThrow('not wanted any more'),
    )
    await arrived.promise
    aborting.abort(new Error('not wanted any more'))
    await Promise.all(stopped)
    await expect(inspector.inspectLinked(silent, aborting.signal)).rejects.toThrow('not wanted any more')
    expect(await inspector.inspect('text/plain', hello)).toMatchObject({ verdict: 'fine' })
  })

  test('goes on when all processes are told to stop: that is for its parent to decide', async () => {
    await using inspector = await startInspector()
    const request = Promise.withResolvers<() => void>()
    const file = inspector.files.linkTo('text/plain', 5, (asked, response) => {
      const { bytes, told } = rangeOf(asked, hello)!
      request.resolve(() => response.writeHead(206, { 'content-range': told }).end(bytes))
    })
    const inspection = inspector.inspectLinked(file)
    const answer = await request.promise
    for (const child of await children()) for (const stop of ['SIGINT', 'SIGTERM']) process.kill(child, stop)
    answer()
    expect(await inspection).toMatchObject({ verdict: 'fine' })
  })

  test('ends its processes when it is disposed, busy as they are, and takes nothing more', async () => {
    await using files = await serveLinkedFiles()
    const inspector = openInspector({ atOnce: 1, timeoutMs: 600_000, memoryMb: 256, maxPixels: 1e6, log: silentLog })
    const arrived = Promise.withResolvers<void>()
    const silent = files.linkTo('text/plain', 5, () => arrived.resolve())
    const refused = ['at work', 'in the queue'].map(() =>
      expect(inspector.inspect(silent, NEVER)).rejects.toThrow('disposed'),
    )
    await arrived.promise
    expect(await children()).toHaveLength(1)
    await inspector[Symbol.asyncDispose]()
    await Promise.all(refused)
    expect(await children()).toEqual([])
    await expect(inspector.inspect(silent, NEVER)).rejects.toThrow('disposed')
  })

  test('rejects when a process cannot start, and says nothing about the file', async () => {
    await using inspector = await startInspector({ memoryMb: 2 })
    await expect(inspector.inspect('text/plain', hello)).rejects.toThrow('the process')
  })
})
