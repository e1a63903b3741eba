import { z } from 'zod'
import { Time } from '../ids.ts'
import { limits } from '../limits.ts'
import { operation } from '../operation.ts'

export const CreateConnectionTicket = operation({
  summary:
    'A ticket that opens one connection to the hub within 60 seconds, where the access token would stand in a URL: as `access_token`, and good for that connection until the access token ends.',
  rest: 'POST /connection-tickets',
  input: z.strictObject({}),
  output: z.object({ ticket: z.string(), expiresAt: Time }),
  errors: [],
})

export const RenewToken = operation({
  summary:
    'Lets this connection live as long as a newer access token of the same user and session: without it, a connection ends 30 seconds after its token has expired.',
  hub: 'RenewToken',
  input: z.strictObject({ accessToken: z.string().min(1).max(limits.accessTokenCharacters) }),
  output: z.object({ expiresAt: Time }),
  errors: ['session_mismatch'],
})
