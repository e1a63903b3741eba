import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { HubLook, HubOrders } from './processes/hub.ts'

const program = fileURLToPath(new URL('processes/hub.ts', import.meta.url))

/** A hub in a process of its own, whose memory is nobody else's. */
export interface HubProcess extends AsyncDisposable {
  /** `http://127.0.0.1:port/hubs/test` */
  readonly url: string
  readonly port: number
  /** One at a time. */
  order(orders: HubOrders): Promise<HubLook>
}

export async function startHubProcess(): Promise<HubProcess> {
  const child = fork(program, { execArgv: ['--expose-gc'] })
  const [port] = (await once(child, 'message')) as [number]
  return {
    url: `http://127.0.0.1:${port}/hubs/test`,
    port,
    async order(orders) {
      const answered = once(child, 'message')
      child.send(orders)
      const [look] = (await answered) as [HubLook]
      return look
    },
    async [Symbol.asyncDispose]() {
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    },
  }
}
