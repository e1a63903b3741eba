import { expect, test } from 'vitest'
import { openS3Door } from './s3-door.ts'
import { configForTest, startForTest } from './start-for-test.ts'

test('the service is ready exactly while NATS, Postgres and S3 answer', async () => {
  await using door = await openS3Door((await configForTest('', '')).s3.endpoint!)
  await using service = await startForTest({}, door.endpoint)
  const readiness = async () => {
    const answer = await fetch(`http://127.0.0.1:${service.port}/health/ready`)
    const { checks } = (await answer.json()) as { checks: Record<string, string> }
    return { status: answer.status, checks }
  }
  expect(await readiness()).toEqual({ status: 200, checks: { nats: 'ok', postgres: 'ok', s3: 'ok' } })
  door.set('closed')
  expect(await readiness()).toMatchObject({ status: 503, checks: { nats: 'ok', postgres: 'ok' } })
  door.set('open')
  expect(await readiness()).toMatchObject({ status: 200 })
})
