import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WebSocketServer } from 'ws'

/**
 * What a WebSocket costs when nothing is done with it: `ws` and no more. Says its port; each text it is sent over IPC goes to
 * all clients.
 */
const http = createServer()
const sockets = new WebSocketServer({ server: http, perMessageDeflate: false })
http.listen(0, '127.0.0.1', () => process.send?.({ port: (http.address() as AddressInfo).port }))

process.on('message', ({ text }: { text: string }) => {
  process.send?.({ atNs: String(process.hrtime.bigint()) })
  const bytes = Buffer.from(text)
  for (const socket of sockets.clients) socket.send(bytes, { binary: false })
})
process.on('disconnect', () => process.exit(0))
