import type { WebSocket } from 'ws'
import type { WheelEntry } from '../timing-wheel.ts'
import { cutOff, tcpSocketOf } from './tcp-socket.ts'

/** Ends a WebSocket by force when its client has not agreed to its end in time. */
export class LateClosing implements WheelEntry {
  wheelSlot = -1
  readonly #socket: WebSocket
  readonly #dueTick: number

  constructor(socket: WebSocket, dueTick: number) {
    this.#socket = socket
    this.#dueTick = dueTick
  }

  look(tick: number): number {
    if (tick < this.#dueTick) return this.#dueTick - tick
    const tcp = tcpSocketOf(this.#socket)
    if (tcp === undefined) this.#socket.terminate()
    else cutOff(tcp)
    return Infinity
  }
}
