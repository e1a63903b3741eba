import { v4 as uuidv4 } from 'uuid'
import { describe, expect, test } from 'vitest'
import {
  actorOf,
  memberOf,
  png,
  post,
  reserve,
  startForTest,
  text,
  upload,
  type MediaForTest,
} from './start-for-test.ts'

describe('downloading', () => {
  test('gives members a link for a minute, with ranges', async () => {
    await using service = await startForTest()
    const content = png(1_000)
    const { id } = await upload(service, memberOf(service), { name: 'cat.png', type: 'image/png', content })
    const { url, expiresAt } = await linkOf(service, memberOf(service), id)
    const lifetimeMs = Date.parse(expiresAt) - Date.now()
    expect(lifetimeMs).toBeGreaterThan(50_000)
    expect(lifetimeMs).toBeLessThanOrEqual(60_000)

    const answer = await fetch(url)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toBe('image/png')
    expect(answer.headers.get('content-disposition')).toBe("inline; filename*=UTF-8''cat.png")
    expect(Buffer.from(await answer.arrayBuffer())).toEqual(content)
    const part = await fetch(url, { headers: { range: 'bytes=1-3' } })
    expect(part.status).toBe(206)
    expect(await part.text()).toBe('PNG')
  })

  test('is refused to strangers, to members who left, and before the file is ready', async () => {
    await using service = await startForTest()
    const alice = memberOf(service)
    const notFound = { ok: false, refusal: { code: 'upload_not_found' } }
    const downloadAs = (userId: string, id: string) => service.calls.downloadMedia({ ...actorOf(userId), id })

    const ready = await upload(service, alice, { type: 'image/png', content: png() })
    expect(await downloadAs(uuidv4(), ready.id)).toMatchObject(notFound)
    expect(await downloadAs(alice, ready.id)).toMatchObject({ ok: true })
    service.members.delete(alice)
    expect(await downloadAs(alice, ready.id)).toMatchObject(notFound)
    service.members.add(alice)

    const reserved = await reserve(service, alice, { type: 'image/png', content: text('no image') })
    expect(await downloadAs(alice, reserved.upload.id)).toMatchObject(notFound)
    await post(reserved.form, text('no image'))
    expect(await downloadAs(alice, reserved.upload.id)).toMatchObject(notFound)
    await service.calls.completeUpload({ ...actorOf(alice), id: reserved.upload.id })
    expect(await downloadAs(alice, reserved.upload.id)).toMatchObject(notFound)
    expect(await downloadAs(alice, uuidv4())).toMatchObject(notFound)
  })

  test('never shows in place what could run: web pages and drawings are saved as bytes', async () => {
    await using service = await startForTest()
    const alice = memberOf(service)
    const script = '<script>alert(1)</script>'
    for (const [type, content] of [
      ['text/html', `<html>${script}`],
      ['image/svg+xml', `<svg xmlns="http://www.w3.org/2000/svg">${script}</svg>`],
      ['image/svg+xml', `<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg">${script}</svg>`],
      ['application/xhtml+xml', `<html xmlns="http://www.w3.org/1999/xhtml">${script}</html>`],
      ['text/xml', `<?xml version="1.0"?><x/>`],
    ] as const) {
      const { id } = await upload(service, alice, { name: 'x', type, content: text(content) })
      const answer = await fetch((await linkOf(service, alice, id)).url)
      expect(answer.headers.get('content-type')).toBe('application/octet-stream')
      expect(answer.headers.get('content-disposition')).toBe("attachment; filename*=UTF-8''x")
      expect(await answer.text()).toBe(content)
    }
  })

  test('names a file safely, whatever its name', async () => {
    await using service = await startForTest()
    const alice = memberOf(service)
    for (const [name, saved] of [
      ['Überraschung für 李雷 🎁.txt', 'Überraschung für 李雷 🎁.txt'],
      [`a"b'c;d=e,f%g&h?i#j+k(l)*.txt`, `a"b'c;d=e,f%g&h?i#j+k(l)*.txt`],
      ['"; filename="evil.html', '"; filename="evil.html'],
      ['../../etc/passwd', '.._.._etc_passwd'],
      ['C:\\windows\\system.ini', 'C:_windows_system.ini'],
      ['صورة.txt', 'صورة.txt'],
      ['%0d%0aSet-Cookie: a=b', '%0d%0aSet-Cookie: a=b'],
    ] as const) {
      const { id } = await upload(service, alice, { name, type: 'text/plain', content: text('hello') })
      const answer = await fetch((await linkOf(service, alice, id)).url)
      expect(answer.status).toBe(200)
      expect(answer.headers.get('set-cookie')).toBeNull()
      const disposition = answer.headers.get('content-disposition')
      expect(disposition).toMatch(/^attachment; filename\*=UTF-8''[\w.%~-]+$/)
      expect(decodeURIComponent(disposition!.slice("attachment; filename*=UTF-8''".length))).toBe(saved)
    }
  })

  test('is possible with the link alone, unchanged and in time', async () => {
    await using service = await startForTest({ linkLifetimeMs: 2_000 })
    const alice = memberOf(service)
    const { id } = await upload(service, alice, { type: 'text/html', content: text('<html>') })
    const { url } = await linkOf(service, alice, id)
    const changed = (name: string, value: string) => {
      const link = new URL(url)
      link.searchParams.set(name, value)
      return fetch(link)
    }
    expect((await changed('response-content-disposition', 'inline')).status).toBe(403)
    expect((await changed('response-content-type', 'text/html')).status).toBe(403)
    expect((await changed('X-Amz-Expires', '600')).status).toBe(403)
    expect((await fetch(url.split('?')[0]!)).status).toBe(403)
    expect((await fetch(url)).status).toBe(200)
    await expect.poll(async () => (await fetch(url)).status, { timeout: 10_000 }).toBe(403)
  })
})

async function linkOf(service: MediaForTest, userId: string, id: string): Promise<{ url: string; expiresAt: string }> {
  const answer = await service.calls.downloadMedia({ ...actorOf(userId), id })
  if (!answer.ok) throw new Error(answer.refusal.code)
  return answer.value
}
