import { z } from 'zod'
import { Settings } from '../objects.ts'
import { operation } from '../operation.ts'

export const GetSettings = operation({
  summary: "The caller's settings.",
  hub: 'GetSettings',
  rest: 'GET /me/settings',
  input: z.strictObject({}),
  output: Settings,
  errors: [],
})

export const UpdateSettings = operation({
  summary: "Changes the caller's settings; what is not named stays.",
  hub: 'UpdateSettings',
  rest: 'PATCH /me/settings',
  input: z.strictObject({ privateRead: z.boolean().optional() }),
  output: Settings,
  errors: [],
})
