import { refusals, type Refusal, type RefusalCode, type RefusalData } from '@parley/protocol'

/** An expected failure with a declared code, as an exception: deep code can refuse, the bus carries it as data. */
export class Refused<Code extends RefusalCode = RefusalCode> extends Error {
  override readonly name = 'Refused'
  readonly refusal: Refusal<Code>

  constructor(refusal: Refusal<Code>) {
    super(`${refusal.code}: ${refusal.sentence}`)
    this.refusal = refusal
  }
}

type Refuse = {
  readonly [Code in RefusalCode]: (data?: RefusalData<Code>, sentence?: string) => Refused<Code>
}

/**
 * `throw refuse.not_a_member()`. The data is what the code declares; the sentence can be made more exact than the
 * catalogue's. A call's handler may only throw what its contract declares: anything else reaches the caller as a `BusError`.
 */
export const refuse: Refuse = Object.fromEntries(
  Object.entries(refusals).map(([code, { sentence }]) => [
    code,
    (data: object = {}, exactly: string = sentence) =>
      new Refused({ code: code as RefusalCode, sentence: exactly, data } as Refusal),
  ]),
) as unknown as Refuse
