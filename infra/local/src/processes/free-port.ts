import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * Below the range from which systems take ports for outgoing connections (Linux 32768, macOS 49152), so that none of those
 * sits on a port while its server is being restarted.
 */
const FIRST = 20_000
const LAST = 32_700

/** What this process was given lately may not be listened on yet. */
const given: number[] = []
const REMEMBERED = 1_000

/** A port on which nothing listens at this moment, for a server that is started next. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST, LAST)
    if (given.includes(port) || !(await isFree(port))) continue
    given.push(port)
    if (given.length > REMEMBERED) given.shift()
    return port
  }
}

export async function isFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  const server = createServer()
  try {
    server.listen(port, host)
    await once(server, 'listening')
  } catch (error) {
    // A machine without IPv6 has no address on which anyone could listen.
    const { code } = error as NodeJS.ErrnoException
    return code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT'
  }
  server.close()
  await once(server, 'close')
  return true
}
