import { expect, test } from 'vitest'
import { startAuthSystem } from './auth-system.ts'
import { signIn } from './oauth-client.ts'

test('a new user is told of once, however they came, and nothing stays in the outbox', async () => {
  await using system = await startAuthSystem()
  await using instance = await system.start()
  const names = ['ann', 'ann', 'bea', 'bea', 'bea']
  await Promise.all(names.map((name) => system.calls.signInForDevelopment({ name, admin: false })))
  await signIn(instance.send, 'ann')
  await signIn(instance.send, 'cid')

  await expect.poll(() => system.query('select 1 from auth.outbox')).toEqual([])
  const { streams } = await system.bus.nats.jetstreamManager()
  const { state } = await streams.info('AUTH', { subjects_filter: 'auth.event.user-created' })
  const told = await Promise.all(
    Array.from({ length: state.messages }, async (_, index) => {
      const message = await streams.getMessage('AUTH', { seq: state.first_seq + index })
      return message.json<{ user: { id: string; displayName: string } }>().user
    }),
  )
  expect(told.map(({ displayName }) => displayName).toSorted()).toEqual(['ann', 'bea', 'cid'])
  const stored = await system.query<{ id: string }>('select id from auth.users')
  expect(told.map(({ id }) => id).toSorted()).toEqual(stored.map(({ id }) => id).toSorted())
})
