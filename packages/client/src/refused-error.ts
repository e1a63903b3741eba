import type { RefusalCode } from '@parley/protocol'

/** The server's "no": its code is one of the operation's declared ones, its message a sentence for people. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError'
  readonly code: RefusalCode
  /** What the code declares besides, such as `serverTime`. By REST only: the hub protocol has no place for it. */
  readonly data: Readonly<Record<string, unknown>>

  constructor(code: RefusalCode, sentence: string, data: Readonly<Record<string, unknown>> = {}) {
    super(sentence)
    this.code = code
    this.data = data
  }
}
