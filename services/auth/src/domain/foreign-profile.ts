import { limits, UpdateProfile } from '@parley/protocol'
import { DisplayName } from './display-name.ts'

export interface Profile {
  readonly displayName: string
  readonly avatarUrl: string | null
}

/** For who comes without a name that could be shown. They can change it. */
const NAMELESS = 'New user'

const AvatarUrl = UpdateProfile.input.shape.avatarUrl

/** How somebody else describes a user, of whatever type and length, as far as it can be taken. */
export function profileOf({ name, picture }: { name: unknown; picture: unknown }): Profile {
  return {
    displayName: DisplayName.safeParse(typeof name === 'string' ? shortened(name.trim()) : '').data ?? NAMELESS,
    avatarUrl: AvatarUrl.safeParse(picture).data ?? null,
  }
}

/** As much of a name as is allowed, and nothing of it in halves. */
function shortened(name: string): string {
  let kept = ''
  let characters = 0
  for (const { segment } of new Intl.Segmenter().segment(name)) {
    characters += Array.from(segment).length
    if (characters > limits.displayNameCharacters) break
    kept += segment
  }
  return kept.trim()
}
