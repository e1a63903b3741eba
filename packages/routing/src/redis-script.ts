import { createHash } from 'node:crypto'

/** A Lua script, run by its hash. It is loaded on every new connection. */
export interface Script {
  readonly lua: string
  readonly sha: string
}

export const script = (lua: string): Script => ({ lua, sha: createHash('sha1').update(lua).digest('hex') })

/** The first line of a script that needs the time: `now`, in ms. */
export const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`
