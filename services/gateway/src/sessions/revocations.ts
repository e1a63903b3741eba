import type { Revocation } from '@parley/contracts'
import type { Identity } from '../identity/identity.ts'

interface Revoked {
  readonly forgottenAtMs: number
}

/** Which access tokens are good no more, though they have not expired: as far as this gateway has heard. */
export class Revocations {
  readonly #sessions = new Map<string, Revoked>()
  readonly #tokens = new Map<string, Revoked>()
  /** Of the tokens of a user that name no session, with the time until which they were issued. */
  readonly #users = new Map<string, Revoked & { readonly untilMs: number }>()
  #position = 0

  /** Of the newest revocation that is known, with all before it. */
  get position(): number {
    return this.#position
  }

  get size(): number {
    return this.#sessions.size + this.#tokens.size + this.#users.size
  }

  /** Takes what comes after the known position. Again, or also what is forgotten already: it changes nothing. */
  add(revocation: Revocation): void {
    const { userId, sessionId, tokenId, position } = revocation
    const forgottenAtMs = Date.parse(revocation.forgottenAt)
    if (sessionId !== undefined) this.#sessions.set(sessionId, { forgottenAtMs })
    else if (tokenId !== undefined) this.#tokens.set(tokenId, { forgottenAtMs })
    else this.#revokeUser(userId, { forgottenAtMs, untilMs: Date.parse(revocation.at) })
    this.reached(position)
  }

  /** Up to this position nothing is missing. */
  reached(position: number): void {
    this.#position = Math.max(this.#position, position)
  }

  has({ actor, sessionId, tokenId, issuedAtMs }: Identity): boolean {
    if (tokenId !== null && this.#tokens.has(tokenId)) return true
    if (sessionId !== null) return this.#sessions.has(sessionId)
    const user = this.#users.get(actor.userId)
    return user !== undefined && issuedAtMs <= user.untilMs
  }

  /** What concerns only tokens that have expired by now is not kept. */
  forget(nowMs: number): void {
    for (const revoked of [this.#sessions, this.#tokens, this.#users]) {
      for (const [id, { forgottenAtMs }] of revoked) if (forgottenAtMs <= nowMs) revoked.delete(id)
    }
  }

  #revokeUser(userId: string, revoked: Revoked & { readonly untilMs: number }): void {
    const known = this.#users.get(userId)
    if (known === undefined || known.untilMs < revoked.untilMs) this.#users.set(userId, revoked)
  }
}
