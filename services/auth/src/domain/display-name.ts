import { refuse } from '@parley/contracts'
import { limits, line } from '@parley/protocol'

/** Joiners and selectors that scripts and emoji need; all other invisible characters only make two names look the same. */
const INVISIBLE = /(?![\u{200c}-\u{200d}]|\u{fe0f}|[\u{e0020}-\u{e007f}])\p{Default_Ignorable_Code_Point}/u
const VISIBLE = /[\p{L}\p{N}\p{P}\p{S}]/u

export const DisplayName = line(limits.displayNameCharacters)
  .refine((name) => !INVISIBLE.test(name), { error: 'must not contain invisible characters' })
  .refine((name) => VISIBLE.test(name), { error: 'must contain something that can be seen' })

/** The name, or the refusal that says what is wrong with it. */
export function displayNameOf(name: string): string {
  const { data, error } = DisplayName.safeParse(name)
  if (error !== undefined) throw refuse.invalid_input({}, `The name ${error.issues[0]?.message}.`)
  return data
}
