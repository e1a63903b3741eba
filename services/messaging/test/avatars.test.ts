import { must, serve } from '@parley/bus'
import { avatarPath, media, refuse, type RequestOf } from '@parley/contracts'
import { v4 } from 'uuid'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { actorOf, messageOf, newUser, openWorld, refusalOf, type World } from './world.ts'

let world: World
beforeAll(async () => void (world = await openWorld()))
afterAll(() => world[Symbol.asyncDispose]())

/** A `media` that has one upload nobody can use; `meanwhile` happens before it answers. */
async function openMedia(meanwhile?: () => Promise<unknown>) {
  const asked: RequestOf<typeof media.calls.useAvatar>[] = []
  const unusable = v4()
  const serving = await serve(world.bus, media, {
    async useAvatar(request) {
      asked.push(request)
      await meanwhile?.()
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

test('who may not change a conversation any more when `media` answers changes nothing', async () => {
  const [alice, bob] = [newUser(), newUser()]
  const { id: conversationId } = await world.createGroup(alice, [bob])
  const asAlice = { actor: actorOf(alice), conversationId, userId: bob }
  must(await world.calls.changeRole({ ...asAlice, role: 'admin' }))
  await using opened = await openMedia(() => world.calls.changeRole({ ...asAlice, role: 'member' }))
  expect(refusalOf(await update(bob, conversationId, { avatarId: v4() }))).toBe('forbidden')
  expect(opened.asked).toHaveLength(1)
  expect(must(await world.calls.listAvatars({ conversationIds: [conversationId] }))).toEqual({
    avatars: [{ conversationId, avatarUrl: null }],
  })
})

test('a conversation whose avatar waits for `media` is changed by others meanwhile', async () => {
  const alice = newUser()
  const { id: conversationId } = await world.createGroup(alice)
  await using _ = await openMedia(async () => {
    must(await world.calls.updateConversation({ actor: actorOf(alice), conversationId, title: 'Meanwhile' }))
    messageOf(await world.send(alice, conversationId))
  })
  const avatarId = v4()
  const updated = must(await update(alice, conversationId, { avatarId }))
  expect(updated).toMatchObject({ title: 'Meanwhile', lastSequence: 1, avatarUrl: avatarPath(avatarId) })
})

test('of avatars that are set at once each has its version, and the last one stays', async () => {
  const [alice, bob] = [newUser(), newUser()]
  const { id: conversationId, version } = await world.createGroup(alice, [bob])
  must(await world.calls.changeRole({ actor: actorOf(alice), conversationId, userId: bob, role: 'admin' }))
  await using _ = await openMedia()
  const avatarIds = Array.from({ length: 6 }, () => v4())
  const answers = await Promise.all(
    avatarIds.map((avatarId, index) => update([alice, bob][index % 2]!, conversationId, { avatarId })),
  )
  const versions = answers.map((answer) => must(answer)).toSorted((a, b) => a.version - b.version)
  expect(versions.map((one) => one.version)).toEqual(avatarIds.map((_id, index) => version + 2 + index))
  expect(new Set(versions.map(({ avatarUrl }) => avatarUrl))).toEqual(new Set(avatarIds.map(avatarPath)))
  expect(must(await world.calls.listAvatars({ conversationIds: [conversationId] })).avatars).toEqual([
    { conversationId, avatarUrl: versions.at(-1)!.avatarUrl },
  ])
})
