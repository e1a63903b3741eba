import { randomNonce, randomPKCECodeVerifier, randomState } from 'openid-client'
import type { Upstream } from '../domain/upstream.ts'
import { SIGN_IN_PATH } from '../oauth/routes.ts'
import type { Db } from '../store/tables.ts'
import { addPendingSignIn, takePendingSignIn } from './pending-sign-ins.ts'
import { UpstreamClient, type AuthorizationHints, type Identified } from './upstream-client.ts'
import { UpstreamError } from './upstream-error.ts'

/** Where upstreams send browsers back to, followed by the upstream's id. */
export const CALLBACK_PATH = `${SIGN_IN_PATH}/callback`

/** Signing in with other OpenID Connect providers. Which browser is at which is kept in the database: any instance takes it back. */
export interface Federation {
  readonly upstreams: readonly Upstream[]
  /** Where to send the browser of an interaction. */
  begin(upstream: Upstream, interactionId: string, hints: AuthorizationHints): Promise<URL>
  /** Who came back to an interaction from an upstream; undefined when that has expired or was used before. */
  finish(upstream: Upstream, interactionId: string, parameters: URLSearchParams): Promise<Identified | undefined>
}

export function createFederation(options: { upstreams: readonly Upstream[]; publicUrl: string; db: Db }): Federation {
  const { upstreams, publicUrl, db } = options
  const clients = new Map(
    upstreams.map((upstream) => [
      upstream,
      new UpstreamClient(upstream, `${publicUrl}${CALLBACK_PATH}/${upstream.id}`),
    ]),
  )
  const clientOf = (upstream: Upstream): UpstreamClient => {
    const client = clients.get(upstream)
    if (client === undefined) throw new Error(`there is no upstream ${upstream.id}`)
    return client
  }
  return {
    upstreams,
    async begin(upstream, interactionId, hints) {
      const state = `${interactionId}.${randomState()}`
      const proof = { state, nonce: randomNonce(), verifier: randomPKCECodeVerifier() }
      const url = await clientOf(upstream).authorizationUrl(proof, hints)
      await addPendingSignIn(db, { ...proof, interactionId, upstreamId: upstream.id })
      return url
    },
    async finish(upstream, interactionId, parameters) {
      const state = parameters.get('state') ?? ''
      if (interactionIdOf(state) !== interactionId)
        throw new UpstreamError('refused', 'the state is of another sign-in')
      const pending = await takePendingSignIn(db, state)
      if (pending === undefined) return undefined
      if (pending.upstreamId !== upstream.id) throw new UpstreamError('refused', 'the state is of another upstream')
      return await clientOf(upstream).identify(parameters, pending)
    },
  }
}

/** A state begins with the interaction it is for, so that the way back leads to where the browser's cookie is. */
export const interactionIdOf = (state: string): string | undefined => /^([\w-]{1,100})\.[\w-]{1,100}$/.exec(state)?.[1]
