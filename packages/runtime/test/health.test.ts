import { createHealth, createMetrics, serveHealth, serveHttp } from '@parley/runtime'
import express from 'express'
import { expect, test } from 'vitest'

async function get(port: number, path: string): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`)
  return { status: response.status, body: await response.json() }
}

const open = (checks: Record<string, () => Promise<unknown>>) =>
  serveHealth({ host: '127.0.0.1', port: 0, checks, metrics: createMetrics('kitchen') })

test('a process is ready when every check answers', async () => {
  await using health = await open({ nats: async () => undefined, postgres: async () => 1 })
  expect(await get(health.port, '/health/ready')).toEqual({
    status: 200,
    body: { status: 'ready', checks: { nats: 'ok', postgres: 'ok' } },
  })
})

test('a dependency that fails makes it unready, with the reason, and leaves it live', async () => {
  let away = true
  await using health = await open({
    nats: async () => undefined,
    postgres: async () => {
      if (away) throw new Error('postgres is away')
    },
  })
  expect(await get(health.port, '/health/ready')).toEqual({
    status: 503,
    body: { status: 'unready', checks: { nats: 'ok', postgres: 'postgres is away' } },
  })
  expect(await get(health.port, '/health/live')).toEqual({ status: 200, body: { status: 'live' } })
  away = false
  expect(await get(health.port, '/health/ready')).toMatchObject({ status: 200 })
})

test('a check that hangs is a check that fails', async () => {
  await using health = await open({ nats: () => new Promise(() => undefined) })
  expect(await get(health.port, '/health/ready')).toEqual({
    status: 503,
    body: { status: 'unready', checks: { nats: 'no answer within 2000 ms' } },
  })
})

test('a draining process is unready and live', async () => {
  const health = createHealth({ checks: {}, metrics: createMetrics('kitchen') })
  await using http = await serveHttp(express().use(health.routes), { host: '127.0.0.1', port: 0 })
  expect(await get(http.port, '/health/ready')).toMatchObject({ status: 200 })
  health.startDraining()
  expect(await get(http.port, '/health/ready')).toEqual({ status: 503, body: { status: 'draining', checks: {} } })
  expect(await get(http.port, '/health/live')).toMatchObject({ status: 200 })
})

test('a draining process ends each connection with its next answer, also those of later routes', async () => {
  const health = createHealth({ checks: {}, metrics: createMetrics('kitchen') })
  const app = express()
    .use(health.routes)
    .get('/soup', (_request, response) => void response.json('soup'))
  await using http = await serveHttp(app, { host: '127.0.0.1', port: 0 })
  const connectionOf = async (path: string) =>
    (await fetch(`http://127.0.0.1:${http.port}${path}`)).headers.get('connection')
  expect(await connectionOf('/soup')).toBe('keep-alive')
  health.startDraining()
  expect(await connectionOf('/soup')).toBe('close')
  expect(await connectionOf('/health/live')).toBe('close')
})

test('metrics are in the format of Prometheus and name the service', async () => {
  await using health = await open({})
  const response = await fetch(`http://127.0.0.1:${health.port}/metrics`)
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
  expect(await response.text()).toMatch(/^process_resident_memory_bytes\{service="kitchen"\} \d+$/m)
})
