import { connect, type Socket } from 'node:net'
import { CLOSE, clientFrame, PING, PONG, readFrames, TEXT } from './web-socket-frames.ts'

/** Where a load connects to. Without a token it is a plain WebSocket; with one, a connection of the chat hub. */
export interface LoadTarget {
  readonly port: number
  readonly localAddress: string
  readonly token: string | undefined
}

/** `later`: the server lets nobody in right now. */
export type Connected = 'connected' | 'later'

const HUB = '/hubs/chat'
const RECORD_END = '\x1e'
const HANDSHAKE = clientFrame(TEXT, `{"protocol":"json","version":1}${RECORD_END}`)
export const HUB_PING = clientFrame(TEXT, `{"type":6}${RECORD_END}`)
const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='
const HEADERS_END = '\r\n\r\n'
const CHUNKS_END = '\r\n0\r\n\r\n'
const NOTHING = Buffer.alloc(0)

/** One connection on a raw socket. Negotiates, upgrades and shakes hands as the official client does, then listens. */
export class LoadClient {
  readonly #target: LoadTarget
  readonly #socket: Socket
  readonly #outcome = Promise.withResolvers<Connected>()
  readonly #hear: (payload: Buffer) => void
  #read: (bytes: Buffer) => Buffer
  #rest: Buffer = NOTHING
  #isOpen = false
  #closed = false

  constructor(target: LoadTarget, hear: (payload: Buffer) => void) {
    this.#target = target
    this.#hear = hear
    this.#read = target.token === undefined ? this.#readUpgrade : this.#readNegotiation
    this.#socket = connect({ host: '127.0.0.1', port: target.port, localAddress: target.localAddress, noDelay: true })
    this.#socket.on('connect', () => this.#begin())
    this.#socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    this.#socket.on('error', (error) => this.#outcome.reject(error))
    this.#socket.on('close', () => this.#end())
  }

  get connected(): Promise<Connected> {
    return this.#outcome.promise
  }

  /** The server has ended it. */
  get isLost(): boolean {
    return this.#isOpen && this.#closed
  }

  write(frame: Buffer): void {
    this.#socket.write(frame)
  }

  /** As a client that means to go. */
  close(): void {
    this.#isOpen = false
    this.#socket.end(clientFrame(CLOSE, Buffer.from([0x03, 0xe8])))
  }

  #begin(): void {
    if (this.#target.token === undefined) this.#upgrade('/')
    else this.#request('POST', `${HUB}/negotiate?negotiateVersion=1`, ['Content-Length: 0'])
  }

  #request(method: string, path: string, headers: readonly string[]): void {
    const { port, token } = this.#target
    const authorization = token === undefined ? [] : [`Authorization: Bearer ${token}`]
    const lines = [`${method} ${path} HTTP/1.1`, `Host: 127.0.0.1:${port}`, ...authorization, ...headers]
    this.#socket.write(lines.join('\r\n') + HEADERS_END)
  }

  #upgrade(path: string): void {
    const headers = [
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      `Sec-WebSocket-Key: ${KEY}`,
    ]
    this.#request('GET', path, headers)
  }

  #receive(chunk: Buffer): void {
    const rest = this.#read(this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]))
    // What is held must not hold the chunk it came in.
    this.#rest = rest.length === 0 ? NOTHING : Buffer.from(rest)
  }

  readonly #readNegotiation = (bytes: Buffer): Buffer => {
    const answer = bytes.toString('latin1')
    if (!answer.includes(HEADERS_END)) return bytes
    if (!this.#isWelcome(answer, 200)) return NOTHING
    if (!answer.endsWith(CHUNKS_END)) return bytes
    const connectionToken = /"connectionToken":"([^"]+)"/.exec(answer)?.[1] ?? ''
    this.#read = this.#readUpgrade
    this.#upgrade(`${HUB}?id=${encodeURIComponent(connectionToken)}`)
    return NOTHING
  }

  readonly #readUpgrade = (bytes: Buffer): Buffer => {
    const end = bytes.indexOf(HEADERS_END)
    if (end === -1) return bytes
    if (!this.#isWelcome(bytes.toString('latin1', 0, end), 101)) return NOTHING
    this.#read = this.#readFrames
    if (this.#target.token === undefined) this.#open()
    else this.#socket.write(HANDSHAKE)
    return this.#readFrames(bytes.subarray(end + HEADERS_END.length))
  }

  #isWelcome(answer: string, expected: number): boolean {
    const status = Number(answer.slice('HTTP/1.1 '.length, 'HTTP/1.1 200'.length))
    if (status === expected) return true
    if (status === 503 || status === 429) this.#outcome.resolve('later')
    else this.#outcome.reject(new Error(`the server answered ${answer.slice(0, 300)}`))
    this.#socket.destroy()
    return false
  }

  readonly #readFrames = (bytes: Buffer): Buffer => {
    const { frames, rest } = readFrames(bytes)
    for (const { opcode, payload } of frames) {
      if (opcode === PING) this.#socket.write(clientFrame(PONG, payload))
      else if (opcode === CLOSE) this.#socket.end()
      else if (this.#isOpen) this.#hear(payload)
      else if (payload.includes('"target":"Welcome"')) this.#open()
    }
    return rest
  }

  #open(): void {
    this.#isOpen = true
    this.#outcome.resolve('connected')
  }

  #end(): void {
    this.#closed = true
    this.#outcome.reject(new Error('the server has closed the connection'))
  }
}
