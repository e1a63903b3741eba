import { z } from 'zod'
import { Time } from '../ids.ts'
import { operation } from '../operation.ts'

export const CreateConnectionTicket = operation({
  summary:
    'A ticket that opens one connection to the hub within 60 seconds, where the access token would stand in a URL: as `access_token`, and good for that connection until the access token ends.',
  rest: 'POST /connection-tickets',
  input: z.strictObject({}),
  output: z.object({ ticket: z.string(), expiresAt: Time }),
  errors: [],
})
