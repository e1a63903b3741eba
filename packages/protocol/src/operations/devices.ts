import { z } from 'zod'
import { Device } from '../objects.ts'
import { limits } from '../limits.ts'
import { operation } from '../operation.ts'
import { text } from '../text.ts'

export const ListDevices = operation({
  summary: 'Where the caller is signed in, the last used first.',
  hub: 'ListDevices',
  rest: 'GET /me/devices',
  input: z.strictObject({}),
  output: z.object({ devices: z.array(Device) }),
  errors: [],
})

export const RemoveDevice = operation({
  summary:
    'Signs a device of the caller out: its tokens are good no more, and its connections are closed within 2 seconds.',
  hub: 'RemoveDevice',
  rest: 'DELETE /me/devices/{deviceId}',
  input: z.strictObject({ deviceId: text(limits.subjectCharacters) }),
  output: z.object({}),
  errors: ['device_not_found'],
})

export const RemoveOtherDevices = operation({
  summary: 'Signs the caller out everywhere but here.',
  hub: 'RemoveOtherDevices',
  rest: 'DELETE /me/devices',
  input: z.strictObject({}),
  output: z.object({ removed: z.int() }),
  errors: [],
})
