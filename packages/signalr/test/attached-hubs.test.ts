import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { createHubServer } from '../src/index.ts'
import { rawClient, refusedUpgrade } from './fixture.ts'

const hubAt = (path: string) => createHubServer({ path, authenticate: () => 'user', hub: { methods: {} } })

async function listening(http: Server): Promise<string> {
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}`
}

test('several hubs share an HTTP server, and an upgrade that none of them wants is refused', async () => {
  await using one = hubAt('/one')
  await using other = hubAt('/other')
  const http = createServer()
  one.attach(http)
  other.attach(http)
  const url = await listening(http)
  {
    await using _toOne = await rawClient({ url: `${url}/one` })
    await using _toOther = await rawClient({ url: `${url}/other` })
    expect((await refusedUpgrade({ url: `${url}/none` })).status).toBe(404)
  }
  await one.stop()
  expect((await refusedUpgrade({ url: `${url}/one` })).status).toBe(404)
  await other.stop()
  expect(http.listenerCount('upgrade')).toBe(0)
  http.close()
})

test('an upgrade that no hub wants is left to whoever else listens', async () => {
  await using hub = hubAt('/hub')
  const http = createServer()
  hub.attach(http)
  http.on('upgrade', (request, socket) => {
    if (request.url === '/elsewhere') socket.end('HTTP/1.1 418 Elsewhere\r\nconnection: close\r\n\r\n')
  })
  const url = await listening(http)
  expect((await refusedUpgrade({ url: `${url}/elsewhere` })).status).toBe(418)
  http.close()
})
