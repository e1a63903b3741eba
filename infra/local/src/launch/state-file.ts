import { rmSync } from 'node:fs'
import { writeWhole } from '../processes/write-whole.ts'
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

/** Each change is in the file when the call returns. Disposing removes it. */
export function openStateFile(path: string): StateFile {
  const services = new Map<string, ServiceState>()
  const servers = new Map<string, ServerState>()

  function write(): void {
    const state: State = { services: [...services.values()], servers: [...servers.values()] }
    writeWhole(path, `${JSON.stringify(state, null, 2)}\n`)
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
