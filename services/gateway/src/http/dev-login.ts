import type { Callers } from '@parley/bus'
import { BusError } from '@parley/bus'
import { refuse, Refused, type auth } from '@parley/contracts'
import { json, Router } from 'express'
import { z } from 'zod'
import { limits, line } from '@parley/protocol'

const Input = z.strictObject({ name: line(limits.displayNameCharacters), admin: z.boolean().optional() })

/** Development only: a token for any name, without a page. */
export function devLoginRoute(authCalls: Pick<Callers<typeof auth>, 'signInForDevelopment'>): Router {
  const routes = Router()
  routes.post('/dev/login', json({ limit: '1kb' }), async (request, response) => {
    const input = Input.safeParse(request.body ?? {})
    if (!input.success) throw refuse.invalid_input({}, 'name is needed, and admin may be true.')
    const { name, admin = false } = input.data
    const answer = await authCalls.signInForDevelopment({ name, admin }).catch((error: unknown) => {
      throw error instanceof BusError ? refuse.unavailable() : error
    })
    if (!answer.ok) throw new Refused(answer.refusal)
    response.json(answer.value)
  })
  return routes
}
