import Provider, { type Adapter } from 'oidc-provider'
import { updateBrowser } from '../store/browsers.ts'
import type { Db } from '../store/tables.ts'
import { hashed } from './hashed.ts'
import { isSigningIn } from './is-signing-in.ts'
import { lifetimes } from './lifetimes.ts'
import { orTemporarilyUnavailable } from './temporarily-unavailable.ts'

/**
 * The library saves the sign-in of a browser at the end of each request, as it read it at the beginning. When the browser was
 * signed out in between, only somebody who signs in during this very request may bring it back.
 */
export function browsers(db: Db, usual: Adapter): Partial<Adapter> {
  const mayComeBack = () => Provider.ctx !== undefined && isSigningIn(Provider.ctx)
  return {
    async upsert(id, payload, expiresInSeconds) {
      if (payload.accountId === undefined || mayComeBack()) {
        await usual.upsert(id, payload, expiresInSeconds)
        return
      }
      const ids = { before: hashed(renewedId() ?? id), now: hashed(id) }
      const values = {
        payload: { ...payload, jti: undefined },
        expiresInSeconds: expiresInSeconds ?? lifetimes.Session,
      }
      await orTemporarilyUnavailable(() => updateBrowser(db, ids, values))
    },
    async destroy(id) {
      // About to be saved under its new id.
      if (id === renewedId() && !mayComeBack()) return
      await usual.destroy(id)
    },
  }
}

/** What the browser of the request under way was known by before the library gave it another id. */
const renewedId = (): string | undefined =>
  (Provider.ctx?.oidc.session as { readonly oldId?: string } | undefined)?.oldId
