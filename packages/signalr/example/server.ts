// A chat on one page: node packages/signalr/example/server.ts, then open it in two windows.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { createHubServer } from '@parley/signalr'

const chat = createHubServer({
  path: '/chat',
  authenticate: (request) => new URL(request.url!, 'http://chat').searchParams.get('name') ?? 'guest',
  hub: {
    methods: {
      Say(guest, text) {
        chat.clients.all.send('said', guest.identity, text)
      },
    },
    onConnected(guest) {
      chat.clients.all.send('joined', guest.identity)
    },
    onDisconnected(guest) {
      chat.clients.all.send('left', guest.identity)
    },
  },
})

const page = readFileSync(new URL('page.html', import.meta.url))
const client = readFileSync(createRequire(import.meta.url).resolve('@microsoft/signalr/dist/browser/signalr.min.js'))

const http = createServer((request, response) => {
  if (request.url === '/') response.setHeader('content-type', 'text/html').end(page)
  else if (request.url === '/signalr.js') response.setHeader('content-type', 'text/javascript').end(client)
  else chat.handleRequest(request, response)
})
chat.attach(http)
http.listen(Number(process.argv[2] ?? 8080), '127.0.0.1', () => {
  const { port } = http.address() as AddressInfo
  process.stdout.write(`http://127.0.0.1:${port}\n`)
})
