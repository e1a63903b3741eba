import { startRedis } from '@parley/local'
import { startTestServer, type TestServer } from './test-server.ts'

/**
 * A redis-server for this test alone; tens of milliseconds. A restart keeps its data, a kill loses them.
 * `await using redis = await testRedis()`, then `redis.url`, `await redis.kill()`, `await redis.restart()`.
 */
export const testRedis = (): Promise<TestServer> =>
  startTestServer('redis', (options) => startRedis({ ...options, durable: true }))
