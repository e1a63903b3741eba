import { randomUUID } from 'node:crypto'
import { BusError, serve } from '@parley/bus'
import { avatarPath, media, refuse } from '@parley/contracts'
import type { User } from '@parley/protocol'
import jwt from 'jsonwebtoken'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startAuthSystem, type AuthSystem, type TestInstance } from './auth-system.ts'

let system: AuthSystem
let instance: TestInstance
beforeAll(async () => {
  system = await startAuthSystem()
  instance = await system.start()
})
afterAll(async () => {
  await instance?.[Symbol.asyncDispose]()
  await system?.[Symbol.asyncDispose]()
})

async function userOf(name: string): Promise<User> {
  const answer = await system.calls.signInForDevelopment({ name, admin: false })
  if (!answer.ok) throw new Error(answer.refusal.sentence)
  return answer.value.user
}

const actorOf = (user: { id: string }) => ({ userId: user.id, scopes: [] })
const nobody = { userId: randomUUID(), scopes: [] }
const unauthenticated = { ok: false, refusal: { code: 'unauthenticated' } }
const malformed = (error: unknown) => error instanceof BusError && error.code === 'malformed'

describe('signInForDevelopment', () => {
  test('gives the same user for the same name, whatever its case', async () => {
    const [first, second] = [await userOf('Ann'), await userOf('aNN')]
    expect(second).toEqual(first)
    expect(first).toMatchObject({ displayName: 'Ann', avatarUrl: null })
  })

  test('of a new name at twenty times at once makes one user, and two instances agree on it', async () => {
    await using _ = await system.start()
    const users = await Promise.all(Array.from({ length: 20 }, () => userOf('Bea')))
    expect(new Set(users.map(({ id }) => id)).size).toBe(1)
    expect(await system.query(`select 1 from auth.users where display_name = 'Bea'`)).toHaveLength(1)
  })

  test.each([
    [false, 'openid profile'],
    [true, 'openid profile admin'],
  ])('with admin %j gives a token with the scope "%s"', async (admin, scope) => {
    const answer = await system.calls.signInForDevelopment({ name: 'cid', admin })
    if (!answer.ok) throw new Error('refused')
    const { header, payload } = jwt.decode(answer.value.accessToken, { complete: true }) ?? {}
    expect(header).toMatchObject({ typ: 'at+jwt', alg: 'RS256' })
    expect(payload).toMatchObject({ sub: answer.value.user.id, scope, aud: 'parley', jti: expect.any(String) })
    expect(await (await instance.send('/oauth/jwks')).text()).toContain(header?.kid)
    const { iat = 0, exp } = payload as jwt.JwtPayload
    expect(exp).toBe(iat + 600)
  })

  test('refuses a name that is not one', async () => {
    const refused = await system.calls.signInForDevelopment({ name: 'a\u115fnn', admin: false })
    expect(refused).toMatchObject({ ok: false, refusal: { code: 'invalid_input' } })
    for (const name of ['', ' ann', 'x'.repeat(51), 'a\nb', '\ud800', 'a\0', 'a\u200bnn']) {
      await expect(system.calls.signInForDevelopment({ name, admin: false })).rejects.toSatisfy(malformed)
    }
  })
})

describe('getMe', () => {
  test('answers the caller', async () => {
    const user = await userOf('dora')
    expect(await system.calls.getMe({ actor: actorOf(user) })).toEqual({ ok: true, value: user })
  })

  test('of a user who does not exist is unauthenticated', async () => {
    expect(await system.calls.getMe({ actor: nobody })).toMatchObject(unauthenticated)
  })
})

describe('updateProfile', () => {
  test('makes an uploaded image the avatar, unless `media` refuses it or is away', async () => {
    const user = await userOf('Pat')
    const avatarId = randomUUID()
    const asked = { actor: actorOf(user), avatarId }
    await expect(system.calls.updateProfile(asked)).rejects.toMatchObject({ code: 'unavailable' })
    const refused = randomUUID()
    await using _ = await serve(system.bus, media, {
      async useAvatar({ userId, uploadId, owner }) {
        expect([userId, owner]).toEqual([user.id, { userId: user.id }])
        if (uploadId === refused) throw refuse.upload_not_received()
        return { avatarUrl: avatarPath(uploadId) }
      },
    })
    expect(await system.calls.updateProfile(asked)).toEqual({
      ok: true,
      value: { ...user, avatarUrl: avatarPath(avatarId) },
    })
    expect(await system.calls.updateProfile({ ...asked, avatarId: refused, displayName: 'Pit' })).toMatchObject({
      refusal: { code: 'upload_not_received' },
    })
    expect(await system.calls.updateProfile({ ...asked, avatarUrl: null })).toMatchObject({
      refusal: { code: 'invalid_input' },
    })
    expect(await system.calls.getMe({ actor: actorOf(user) })).toMatchObject({
      value: { displayName: 'Pat', avatarUrl: avatarPath(avatarId) },
    })
  })

  test('asks `media` for no upload when there is no such user, or the name is refused', async () => {
    const asked: string[] = []
    await using _ = await serve(system.bus, media, {
      async useAvatar({ uploadId }) {
        asked.push(uploadId)
        return { avatarUrl: avatarPath(uploadId) }
      },
    })
    const [user, avatarId] = [await userOf('Ria'), randomUUID()]
    expect(await system.calls.updateProfile({ actor: nobody, avatarId })).toMatchObject(unauthenticated)
    const refused = await system.calls.updateProfile({ actor: actorOf(user), avatarId, displayName: 'a\u115fnn' })
    expect(refused).toMatchObject({ refusal: { code: 'invalid_input' } })
    expect(asked).toEqual([])
  })

  test('of avatars that are set at once keeps one, and changes nothing else', async () => {
    await using _ = await serve(system.bus, media, {
      useAvatar: async ({ uploadId }) => ({ avatarUrl: avatarPath(uploadId) }),
    })
    const user = await userOf('Sue')
    const avatarIds = Array.from({ length: 6 }, () => randomUUID())
    const answers = await Promise.all(
      avatarIds.map((avatarId) => system.calls.updateProfile({ actor: actorOf(user), avatarId })),
    )
    const addresses = avatarIds.map(avatarPath)
    expect(answers).toEqual(addresses.map((avatarUrl) => ({ ok: true, value: { ...user, avatarUrl } })))
    const kept = await system.calls.getMe({ actor: actorOf(user) })
    if (!kept.ok) throw new Error(kept.refusal.sentence)
    expect(addresses).toContain(kept.value.avatarUrl)
  })

  test('changes the name, and the user is found by the new one only', async () => {
    const user = await userOf('Eve')
    const renamed = await system.calls.updateProfile({ actor: actorOf(user), displayName: 'Zora 🦓' })
    expect(renamed).toEqual({ ok: true, value: { ...user, displayName: 'Zora 🦓' } })
    expect(await find('zora')).toEqual(['Zora 🦓'])
    expect(await find('eve')).toEqual([])
  })

  test('changes the picture, or takes it away, and leaves the name', async () => {
    const user = await userOf('Pia')
    const avatarUrl = 'https://pictures.example/pia.png'
    const pictured = await system.calls.updateProfile({ actor: actorOf(user), avatarUrl })
    expect(pictured).toEqual({ ok: true, value: { ...user, avatarUrl } })
    const renamed = await system.calls.updateProfile({ actor: actorOf(user), displayName: 'Pia B' })
    expect(renamed).toMatchObject({ value: { displayName: 'Pia B', avatarUrl } })
    const plain = await system.calls.updateProfile({ actor: actorOf(user), avatarUrl: null })
    expect(plain).toEqual({ ok: true, value: { ...user, displayName: 'Pia B' } })
    for (const wrong of [
      'http://pictures.example/a',
      'javascript:alert(1)',
      'x',
      `https://a.example/${'x'.repeat(2_000)}`,
    ]) {
      await expect(system.calls.updateProfile({ actor: actorOf(user), avatarUrl: wrong })).rejects.toSatisfy(malformed)
    }
  })

  test('keeps a name in one form, however it was typed', async () => {
    const user = await userOf('Quentin')
    const renamed = await system.calls.updateProfile({ actor: actorOf(user), displayName: 'Zoe\u0308' })
    expect(renamed).toMatchObject({ value: { displayName: 'Zo\u00eb' } })
  })

  test('does not change who signs in by the old name', async () => {
    const user = await userOf('Fay')
    await system.calls.updateProfile({ actor: actorOf(user), displayName: 'Faye' })
    expect((await userOf('fay')).id).toBe(user.id)
  })

  test('with nothing to change answers the user as they are', async () => {
    const user = await userOf('gil')
    expect(await system.calls.updateProfile({ actor: actorOf(user) })).toEqual({ ok: true, value: user })
  })

  test('refuses names that are not one, and users who do not exist', async () => {
    const user = await userOf('hal')
    const hidden = await system.calls.updateProfile({ actor: actorOf(user), displayName: '\u034fhal' })
    expect(hidden).toMatchObject({ ok: false, refusal: { code: 'invalid_input' } })
    expect(await system.calls.updateProfile({ actor: nobody, displayName: 'x' })).toMatchObject(unauthenticated)
    expect(await system.calls.updateProfile({ actor: nobody })).toMatchObject(unauthenticated)
    for (const displayName of ['', 'x'.repeat(51), 'a\0b', '\u202eabc', '\u2060hal']) {
      await expect(system.calls.updateProfile({ actor: actorOf(user), displayName })).rejects.toSatisfy(malformed)
    }
  })
})

describe('findUsers', () => {
  test('finds by the beginning of the name or of a later word, whatever case and accents, later words last', async () => {
    for (const name of ['Óscar', 'óscarito', 'Not Óscar', 'An Oscarina Oscarina', 'Moscar']) await userOf(name)
    const found = ['Óscar', 'óscarito', 'Not Óscar', 'An Oscarina Oscarina']
    for (const query of ['ÓSCA', 'osca', 'ó'.normalize('NFD') + 'sc', 'Òscå']) expect(await find(query)).toEqual(found)
    expect(await find('not os')).toEqual(['Not Óscar'])
    expect(await find('Oscarina osc')).toEqual(['An Oscarina Oscarina'])
    expect(await find('\u0301')).toEqual([])
  })

  test('takes the characters of patterns as they are', async () => {
    for (const name of ['100%', '100 people', 'a_b', 'axb', 'back\\slash']) await userOf(name)
    expect(await find('100%')).toEqual(['100%'])
    expect(await find('a_')).toEqual(['a_b'])
    expect(await find('back\\')).toEqual(['back\\slash'])
    expect(await find('%')).toEqual([])
    expect(await find('_')).toEqual([])
  })

  test('gives at most 20', async () => {
    await Promise.all(Array.from({ length: 25 }, (_, index) => userOf(`many ${index}`)))
    expect(await find('many')).toHaveLength(20)
  })

  test('gives each once, and at most 20 also of those found by a later word', async () => {
    for (let index = 0; index < 25; index += 1) await userOf(`Word wordy words wordings word ${index}`)
    for (let index = 0; index < 25; index += 1) await userOf(`x${index} wore wore-wore wore wore`)
    const found = await find('wor')
    expect(found).toHaveLength(20)
    expect(new Set(found).size).toBe(20)
    const later = await find('wore')
    expect(later).toHaveLength(20)
    expect(new Set(later).size).toBe(20)
  })

  test('is answered from an index', async () => {
    await system.query(
      `insert into auth.users (display_name, folded_name) select 'bulk ' || n, 'BULK ' || n from generate_series(1, 5000) n`,
    )
    await system.query(
      `insert into auth.later_beginnings select 'BULK ' || n, id from auth.users, generate_series(1, 3) n`,
    )
    await system.query('analyze auth.users, auth.later_beginnings')
    const plan = await system.query(
      `explain select * from auth.users where folded_name like 'ann%' order by folded_name, id limit 20`,
    )
    expect(JSON.stringify(plan)).toContain('Index Scan using users_folded_name')
    const byWord = await system.query(
      `explain select * from auth.later_beginnings join auth.users on users.id = user_id
       where beginning like 'ann%' order by beginning, user_id limit 220`,
    )
    expect(JSON.stringify(byWord)).toContain('using later_beginnings_pkey')
  })

  test('is for users only', async () => {
    expect(await system.calls.findUsers({ actor: nobody, query: 'a' })).toMatchObject(unauthenticated)
    for (const query of ['', 'x'.repeat(51), '\0', ' a']) {
      await expect(system.calls.findUsers({ actor: nobody, query })).rejects.toSatisfy(malformed)
    }
  })
})

describe('getUsers', () => {
  test('gives those that exist, each once', async () => {
    const users = [await userOf('ida'), await userOf('jon')]
    const userIds = [users[0]!.id, users[1]!.id, users[0]!.id, randomUUID()]
    const answer = await system.calls.getUsers({ userIds })
    if (!answer.ok) throw new Error('refused')
    expect(answer.value.users.toSorted((a, b) => a.displayName.localeCompare(b.displayName))).toEqual(users)
  })

  test('takes 500 ids and neither none nor more', async () => {
    const ids = (length: number) => Array.from({ length }, () => randomUUID())
    expect(await system.calls.getUsers({ userIds: ids(500) })).toEqual({ ok: true, value: { users: [] } })
    for (const userIds of [[], ids(501), ['alice']]) {
      await expect(system.calls.getUsers({ userIds })).rejects.toSatisfy(malformed)
    }
  })
})

async function find(query: string): Promise<string[]> {
  const answer = await system.calls.findUsers({ actor: actorOf(await userOf('searcher')), query })
  if (!answer.ok) throw new Error('refused')
  return answer.value.users.map(({ displayName }) => displayName)
}
