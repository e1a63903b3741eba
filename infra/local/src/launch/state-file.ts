import { renameSync, rmSync, writeFileSync } from 'node:fs'
import type { ServerName } from '../servers/server.ts'

/** What runs, for people and programs that want to know. A pid is null while the process is away, or is not ours. */
export interface State {
  readonly services: readonly ServiceState[]
  readonly servers: readonly ServerState[]
}

export interface ServiceState {
  readonly name: string
  readonly pid: number | null
  readonly port: number
  readonly healthUrl: string
}

export interface ServerState {
  readonly name: ServerName
  readonly pid: number | null
  readonly url: string
}

export interface StateFile extends Disposable {
  putService(service: ServiceState): void
  putServer(server: ServerState): void
}

/** Each change is in the file when the call returns, and a reader sees a whole state, old or new. Disposing removes it. */
export function openStateFile(path: string): StateFile {
  const services = new Map<string, ServiceState>()
  const servers = new Map<string, ServerState>()

  function write(): void {
    const state: State = { services: [...services.values()], servers: [...servers.values()] }
    writeFileSync(`${path}.unfinished`, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 })
    renameSync(`${path}.unfinished`, path)
  }

  write()
  return {
    putService(service) {
      services.set(service.name, service)
      write()
    },
    putServer(server) {
      servers.set(server.name, server)
      write()
    },
    [Symbol.dispose]: () => rmSync(path, { force: true }),
  }
}
