import { startNats } from '@parley/local'
import { startTestServer, type TestServer } from './test-server.ts'

/**
 * A nats-server with JetStream for this test alone; tens of milliseconds.
 * `await using nats = await testNats()`, then `nats.url`, `await nats.kill()`, `await nats.restart()`.
 */
export const testNats = (): Promise<TestServer> => startTestServer('nats', startNats)
