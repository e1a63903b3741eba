import sharp from 'sharp'
import { v4 as uuidv4 } from 'uuid'
import { describe, expect, test } from 'vitest'
import {
  actorOf,
  image,
  memberOf,
  pdf,
  png,
  post,
  reserve,
  send,
  startForTest,
  text,
  upload,
  type MediaForTest,
} from './start-for-test.ts'

describe('downloading', () => {
  test('gives who sees the message a link for a minute, with ranges', async () => {
    await using service = await startForTest()
    const content = pdf(1_000)
    const file = { name: 'plan.pdf', type: 'application/pdf', content }
    const { id } = await send(service, memberOf(service), file)
    const { url, expiresAt } = await linkOf(service, memberOf(service), id)
    const lifetimeMs = Date.parse(expiresAt) - Date.now()
    expect(lifetimeMs).toBeGreaterThan(50_000)
    expect(lifetimeMs).toBeLessThanOrEqual(60_000)

    const answer = await fetch(url)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toBe('application/pdf')
    expect(answer.headers.get('content-disposition')).toBe("attachment; filename*=UTF-8''plan.pdf")
    expect(Buffer.from(await answer.arrayBuffer())).toEqual(Buffer.from(content))
    const part = await fetch(url, { headers: { range: 'bytes=1-3' } })
    expect(part.status).toBe(206)
    expect(await part.text()).toBe('PDF')
  })

  test('is refused to strangers, to members who left, when the message is gone, and to others before it is sent or ready', async () => {
    await using service = await startForTest()
    const alice = memberOf(service)
    const notFound = { ok: false, refusal: { code: 'upload_not_found' } }
    const downloadAs = (userId: string, id: string) => service.calls.downloadMedia({ ...actorOf(userId), id })

    const sent = await send(service, alice, { type: 'image/png', content: png() })
    expect(await downloadAs(uuidv4(), sent.id)).toMatchObject(notFound)
    expect(await downloadAs(alice, sent.id)).toMatchObject({ ok: true })
    service.members.delete(alice)
    expect(await downloadAs(alice, sent.id)).toMatchObject(notFound)
    service.members.add(alice)
    service.messages.clear()
    expect(await downloadAs(alice, sent.id)).toMatchObject(notFound)

    const unsent = await upload(service, alice, { type: 'image/png', content: png() })
    expect(await downloadAs(alice, unsent.id)).toMatchObject({ ok: true })
    expect(await downloadAs(memberOf(service), unsent.id)).toMatchObject(notFound)

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

describe('the thumbnails of an image', () => {
  test('are small and large, for those who may download it, kept by their own browser only', async () => {
    await using service = await startForTest()
    const alice = memberOf(service)
    const content = await image(2_000, 1_000)
    const { id } = await send(service, alice, { type: 'image/png', content })
    for (const [size, width] of [
      ['small', 320],
      ['large', 1_280],
    ] as const) {
      const link = await service.calls.downloadThumbnail({ ...actorOf(alice), id, size })
      const answer = await fetch(link.ok ? link.value.url : '')
      expect(answer.headers.get('content-type')).toBe('image/webp')
      expect(answer.headers.get('cache-control')).toBe('private, max-age=86400, immutable')
      expect(answer.headers.get('content-disposition')).toMatch(/^inline/)
      expect(await sharp(await answer.arrayBuffer()).metadata()).toMatchObject({
        format: 'webp',
        width,
        height: width / 2,
      })
    }
    const notFound = { refusal: { code: 'upload_not_found' } }
    const thumbnail = (userId: string, of: string) =>
      service.calls.downloadThumbnail({ ...actorOf(userId), id: of, size: 'small' })
    expect(await thumbnail(uuidv4(), id)).toMatchObject(notFound)
    const document = await upload(service, alice, { type: 'application/pdf', content: pdf() })
    expect(await thumbnail(alice, document.id)).toMatchObject(notFound)
  })
})

async function linkOf(service: MediaForTest, userId: string, id: string): Promise<{ url: string; expiresAt: string }> {
  const answer = await service.calls.downloadMedia({ ...actorOf(userId), id })
  if (!answer.ok) throw new Error(answer.refusal.code)
  return answer.value
}
