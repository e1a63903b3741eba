import { limits } from '@parley/protocol'
import { parse } from 'bowser'

/** No browser's is longer. */
const MAX_USER_AGENT_CHARACTERS = 1_000

/** What a person calls the browser or app that sends this `User-Agent`, such as `Firefox on Linux`; null when it does not say. */
export function deviceName(userAgent: string | undefined): string | null {
  if (!userAgent) return null
  const { browser, os } = parse(userAgent.slice(0, MAX_USER_AGENT_CHARACTERS))
  const known = [browser.name, os.name].filter((name) => name !== undefined && name !== '')
  return known.length === 0 ? null : known.join(' on ').slice(0, limits.deviceNameCharacters)
}
