import type { RefusalCode } from '@parley/protocol'

/** What was answered, or with which code it was refused. */
export type Outcome<Value> = { readonly value: Value } | { readonly refused: RefusalCode }

export const refused = (code: RefusalCode): { readonly refused: RefusalCode } => ({ refused: code })
export const answered = <Value>(value: Value): { readonly value: Value } => ({ value })
