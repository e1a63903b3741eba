import type { Handler } from '@parley/bus'
import type { retention } from '@parley/contracts'
import { askedPolicy, isMuch, preview, type Previewing } from '../policies/preview.ts'

export function previewRetentionPolicy(parts: {
  messaging: Previewing
  confirmAbove: number
}): Handler<(typeof retention)['calls']['previewRetentionPolicy']> {
  return async (request, context) => {
    const effect = await preview(parts.messaging, askedPolicy(request), context)
    return { effect, needsConfirmation: isMuch(effect, parts.confirmAbove) }
  }
}
