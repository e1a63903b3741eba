// A service as small as one can be: it is ready at once, tells what it was told, and says when it was asked to stop.
import { createServer } from 'node:http'

if (process.env['THROWAWAY_FAULT'] === 'exits') {
  console.log('no such table: users')
  process.exit(3)
}

const server = createServer((request, response) => {
  if (request.url === '/environment') response.end(JSON.stringify(process.env))
  else response.end('ready')
})
server.listen(Number(process.env['HTTP_PORT']), process.env['HTTP_HOST'])
process.on('SIGINT', () => console.log('got SIGINT'))
process.on('SIGTERM', () => {
  console.log('got SIGTERM')
  server.close()
  server.closeAllConnections()
})
