import { must, serve } from '@parley/bus'
import { avatarPath, media, refuse, type RequestOf } from '@parley/contracts'
import { v4 } from 'uuid'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { actorOf, newUser, openWorld, refusalOf, type World } from './world.ts'

let world: World
beforeAll(async () => void (world = await openWorld()))
afterAll(() => world[Symbol.asyncDispose]())

/** A `media` that has one upload nobody can use. */
async function openMedia() {
  const asked: RequestOf<typeof media.calls.useAvatar>[] = []
  const unusable = v4()
  const serving = await serve(world.bus, media, {
    async useAvatar(request) {
      asked.push(request)
      if (request.uploadId === unusable) throw refuse.upload_rejected({ reason: 'too_many_pixels' })
      return { avatarUrl: avatarPath(request.uploadId) }
    },
  })
  return { asked, unusable, [Symbol.asyncDispose]: () => serving[Symbol.asyncDispose]() }
}

const update = (userId: string, conversationId: string, wanted: { avatarId?: string; avatarUrl?: string | null }) =>
  world.calls.updateConversation({ actor: actorOf(userId), conversationId, ...wanted })

test('an upload of an owner becomes the avatar, and another one takes its place', async () => {
  await using opened = await openMedia()
  const [alice, bob] = [newUser(), newUser()]
  const { id } = await world.createGroup(alice, [bob])
  for (const avatarId of [v4(), v4()]) {
    expect(must(await update(alice, id, { avatarId }))).toMatchObject({ avatarUrl: avatarPath(avatarId) })
    expect(opened.asked.at(-1)).toEqual({ userId: alice, uploadId: avatarId, owner: { conversationId: id } })
    expect(must(await world.calls.listAvatars({ conversationIds: [id, v4()] }))).toEqual({
      avatars: [{ conversationId: id, avatarUrl: avatarPath(avatarId) }],
    })
  }
  expect(must(await update(alice, id, { avatarUrl: null }))).toMatchObject({ avatarUrl: null })
})

test('who may not change a conversation uses up no upload of theirs', async () => {
  await using opened = await openMedia()
  const [alice, bob] = [newUser(), newUser()]
  const { id } = await world.createGroup(alice, [bob])
  expect(refusalOf(await update(bob, id, { avatarId: v4() }))).toBe('forbidden')
  expect(refusalOf(await update(newUser(), id, { avatarId: v4() }))).toBe('not_a_member')
  expect(refusalOf(await update(alice, v4(), { avatarId: v4() }))).toBe('not_a_member')
  expect(refusalOf(await update(alice, id, { avatarId: v4(), avatarUrl: null }))).toBe('invalid_input')
  expect(opened.asked).toEqual([])
})

test('what cannot be used is refused as `media` says, and nothing is changed; nor is it while `media` is away', async () => {
  const alice = newUser()
  const { id, version } = await world.createGroup(alice)
  {
    await using opened = await openMedia()
    expect(refusalOf(await update(alice, id, { avatarId: opened.unusable }))).toBe('upload_rejected')
  }
  await expect(update(alice, id, { avatarId: v4() })).rejects.toMatchObject({ code: 'unavailable' })
  const now = must(await world.calls.getConversation({ actor: actorOf(alice), conversationId: id }))
  expect(now).toMatchObject({ version, avatarUrl: null })
})
