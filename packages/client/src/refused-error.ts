import type { RefusalCode } from '@parley/protocol'

/** The server's "no": its code is one of the operation's declared ones, its message a sentence for people. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError'
  readonly code: RefusalCode

  constructor(code: RefusalCode, sentence: string) {
    super(sentence)
    this.code = code
  }
}
