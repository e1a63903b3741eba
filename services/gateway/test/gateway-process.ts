import { spawn } from 'node:child_process'
import { createServer, type AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { connectBus, listen, type Bus } from '@parley/bus'
import { Announcement, gateway } from '@parley/contracts'
import { silentLog, testNats, testRedis, type TestServer } from '@parley/testing'
import { vi } from 'vitest'
import { startTestAuth } from './test-auth.ts'
import { startTestIssuer, type TestIssuer } from './test-issuer.ts'
import { SECRET } from './test-gateway.ts'

const program = fileURLToPath(new URL('../src/main.ts', import.meta.url))

export interface GatewayProcess extends AsyncDisposable {
  readonly url: string
  readonly issuer: TestIssuer
  readonly nats: TestServer
  readonly redis: TestServer
  readonly bus: Bus
  readonly gatewayIds: () => number[]
  /** What it has said. */
  readonly lines: readonly { readonly msg: string; readonly problems?: string[] }[]
  signal(signal: NodeJS.Signals): void
  /** Resolves when it has gone. */
  readonly exited: Promise<{ readonly code: number | null; readonly atMs: number }>
}

/** A gateway as it runs in production: a process, on servers of its own. Resolves when it is ready, or has gone. */
export async function startGatewayProcess(environment: Record<string, string> = {}): Promise<GatewayProcess> {
  await using stack = new AsyncDisposableStack()
  const nats = stack.use(await testNats())
  const redis = stack.use(await testRedis())
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const issuer = stack.use(await startTestIssuer(url))
  const bus = stack.use(await connectBus({ url: nats.url, service: 'test', log: silentLog }))
  stack.use(await startTestAuth(bus))
  let last: Announcement | undefined
  stack.use(
    await listen(bus, gateway.notices.announced, {}, (data) => {
      last = Announcement.parse(JSON.parse(new TextDecoder().decode(data)))
    }),
  )
  const child = spawn(process.execPath, [program], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      PARLEY_PUBLIC_URL: url,
      HTTP_HOST: '127.0.0.1',
      HTTP_PORT: String(port),
      NATS_URL: nats.url,
      REDIS_URL: redis.url,
      AUTH_URL: issuer.url,
      GATEWAY_SECRET: SECRET,
      ...environment,
    },
  })
  const lines = linesOf(child.stdout)
  const exited = new Promise<{ code: number | null; atMs: number }>((resolve) => {
    child.once('close', (code) => resolve({ code, atMs: performance.now() }))
  })
  stack.defer(async () => {
    child.kill('SIGKILL')
    await exited
  })
  const isReady = () =>
    fetch(`${url}/health/ready`).then(
      ({ ok }) => ok && last !== undefined,
      () => false,
    )
  await vi.waitUntil(async () => child.exitCode !== null || (await isReady()), { timeout: 20_000 })
  const started = stack.move()
  return {
    url,
    issuer,
    nats,
    redis,
    bus,
    lines,
    exited,
    gatewayIds: () => (last === undefined ? [] : [last.gatewayId]),
    signal: (signal) => void child.kill(signal),
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  }
}

function linesOf(stream: NodeJS.ReadableStream): GatewayProcess['lines'] {
  const lines: GatewayProcess['lines'][number][] = []
  let rest = ''
  stream.on('data', (data: Buffer) => {
    const parts = (rest + data.toString()).split('\n')
    rest = parts.pop() ?? ''
    for (const part of parts) lines.push(JSON.parse(part) as (typeof lines)[number])
  })
  return lines
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
