import { vi } from 'vitest'
import { ChatDevice } from '../chat-device.ts'
import { step, type Play } from './step.ts'

const HEARD_TIMEOUT_MS = 10_000

/** Sometimes at once, with what was told last still on its way. */
const disconnects: Play = async ({ real, user, choice }) => {
  const device = user.devices.filter(({ isConnected }) => isConnected)[0]
  if (device === undefined) return
  await real.noting(`${user.id} disconnects ${device.name}`, async () => {
    if (choice.flag) await vi.waitFor(() => device.expectComplete(), { timeout: HEARD_TIMEOUT_MS, interval: 30 })
    await device.disconnect()
  })
}

/** It asks for what it has missed. */
const resumes: Play = async ({ real, user }) => {
  const device = user.devices.find(({ isConnected }) => !isConnected)
  if (device !== undefined) await real.noting(`${user.id} resumes ${device.name}`, () => device.connect())
}

const interrupts: Play = async ({ real, user }) => {
  const device = user.devices.find((one) => one instanceof ChatDevice && one.isConnected) as ChatDevice | undefined
  if (device !== undefined)
    await real.noting(`${user.id} loses the connection of ${device.name}`, () => device.interrupt())
}

export const connecting = {
  disconnect: step('disconnect', disconnects),
  interrupt: step('lose the connection', interrupts),
  resume: step('resume', resumes),
}
