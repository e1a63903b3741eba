import { expect, test } from 'vitest'
import { hostileFiles, type HostileFile } from './hostile-files.ts'
import { actorOf, memberOf, pdf, post, reserve, startForTest, upload, type MediaForTest } from './start-for-test.ts'

const ROOM = 100_000_000
const PATIENCE = { timeout: 120_000, interval: 200 }

test('hostile files, all at once, get their verdicts: what becomes ready runs nowhere, and others are served meanwhile', async () => {
  // First: making them keeps this process busy, in which the service runs too.
  const files = await hostileFiles()
  await using service = await startForTest({
    maxBytes: { image: ROOM, video: ROOM, audio: ROOM, document: ROOM },
    inspection: { atOnce: 2, timeoutMs: 20_000, memoryMb: 1_024, maxPixels: 50_000_000, extraCaCerts: undefined },
  })
  const alice = memberOf(service)
  const others = await upload(service, alice, { type: 'application/pdf', content: pdf() })
  const ids: string[] = []
  for (const file of files) ids.push(await bring(service, alice, file))
  let isOver = false
  const waits = waitsWhile(
    () => !isOver,
    async () =>
      expect(await service.calls.downloadMedia({ ...actorOf(alice), id: others.id })).toMatchObject({ ok: true }),
  )
  const verdicts = await Promise.all(ids.map((id) => verdictOn(service, alice, id))).finally(() => {
    isOver = true
  })
  const named = (found: readonly { verdict: unknown }[]) =>
    Object.fromEntries(found.map(({ verdict }, index) => [files[index]!.name, verdict]))
  expect(named(verdicts)).toEqual(named(files))
  for (const [index, { id, verdict }] of verdicts.entries()) {
    const { type, payload } = files[index]!
    const link = await service.calls.downloadMedia({ ...actorOf(alice), id })
    expect(link.ok).toBe(verdict === 'fine')
    if (!link.ok) continue
    const answer = await fetch(link.value.url)
    const isShown = answer.headers.get('content-disposition')!.startsWith('inline')
    expect(isShown).toBe(/^(image|video|audio)\//.test(type))
    const content = Buffer.from(await answer.arrayBuffer())
    if (payload !== undefined) expect(content.includes(payload)).toBe(false)
  }
  // It never stood still, however busy it was: calls are given up after 3 s.
  expect((await waits).length).toBeGreaterThan(20)
}, 180_000)

async function bring(service: MediaForTest, userId: string, file: HostileFile): Promise<string> {
  const { upload: reserved, form } = await reserve(service, userId, file)
  expect((await post(form, file.content)).status).toBe(201)
  return reserved.id
}

async function verdictOn(service: MediaForTest, userId: string, id: string) {
  const request = { ...actorOf(userId), id }
  await service.calls.completeUpload(request)
  const stateNow = async () => {
    const answer = await service.calls.getUpload(request)
    return answer.ok ? answer.value : undefined
  }
  await expect.poll(async () => (await stateNow())?.state, PATIENCE).not.toBe('checking')
  const { state, rejectedReason } = (await stateNow())!
  return { id, verdict: state === 'ready' ? 'fine' : rejectedReason }
}

/** How long each was waited for. */
async function waitsWhile(goesOn: () => boolean, ask: () => Promise<unknown>): Promise<number[]> {
  const waits: number[] = []
  while (goesOn()) {
    const from = performance.now()
    await ask()
    waits.push(performance.now() - from)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return waits
}
