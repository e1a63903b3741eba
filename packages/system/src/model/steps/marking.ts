import { expect, vi } from 'vitest'
import { ChatDevice } from '../chat-device.ts'
import { outcomeOf } from '../device.ts'
import type { ModelConversation, ModelMember } from '../model-conversation.ts'
import type { ModelTalk } from '../model-talk.ts'
import { PlainDevice } from '../plain-device.ts'
import type { RealTalk, RealUser } from '../real-talk.ts'
import { step, type Play } from './step.ts'

const KEPT_TIMEOUT_MS = 10_000

const marksDelivered: Play = async ({ model, real, user, conversation, choice }) => {
  const member = conversation.member(user.id)
  const sequence = choice.number % (conversation.lastSequence + 2)
  const device = user.devices.find((one) => one instanceof PlainDevice && one.isConnected) as PlainDevice | undefined
  if (device === undefined || member === undefined || choice.flag || sequence > conversation.lastSequence) {
    const input = { conversationId: conversation.id, deliveredSequence: sequence }
    const marked = await real.noting(`${user.id} marks delivered ${JSON.stringify(input)}`, () =>
      outcomeOf(user.rest.perform('MarkReceipts', input)),
    )
    expect(marked).toEqual(model.mark(conversation, user.id, { delivered: sequence }))
    return
  }
  await real.noting(`${user.id} marks delivered by ${device.name}: ${conversation.id} ${sequence}`, () =>
    device.markDelivered(conversation.id, sequence),
  )
  model.markLater(conversation, user.id, sequence)
}

const marksRead: Play = async ({ model, real, user, conversation, choice }) => {
  const member = conversation.member(user.id)
  const sequence = choice.flag ? conversation.lastSequence : choice.number % (conversation.lastSequence + 2)
  const connected = user.devices.filter((device) => device.isConnected)
  const device = connected[choice.door % (connected.length + 1)]
  const isNews = member !== undefined && sequence > member.read && sequence <= conversation.lastSequence
  if (device !== undefined && isNews) {
    await real.noting(`${user.id} marks read by ${device.name}: ${conversation.id} ${sequence}`, () =>
      device instanceof ChatDevice
        ? markByChat(device, conversation, sequence)
        : device.markRead(conversation.id, sequence),
    )
    model.mark(conversation, user.id, { read: sequence })
    await untilKept(user, conversation, member)
    return
  }
  const input = { conversationId: conversation.id, readSequence: sequence }
  const marked = await real.noting(`${user.id} marks read ${JSON.stringify(input)}`, () =>
    outcomeOf(user.rest.perform('MarkReceipts', input)),
  )
  expect(marked).toEqual(model.mark(conversation, user.id, { read: sequence }))
}

/** What is read was shown before. */
async function markByChat({ chat }: ChatDevice, { id }: ModelConversation, sequence: number): Promise<void> {
  const isShown = () => (chat.state.conversations.get(id)?.conversation.lastSequence ?? 0) >= sequence
  await vi.waitUntil(isShown, { timeout: KEPT_TIMEOUT_MS, interval: 10 })
  chat.markRead(id, sequence)
}

/** Gateways gather what the hub is told. */
async function untilKept({ rest }: RealUser, { id }: ModelConversation, { read }: ModelMember): Promise<void> {
  const isKept = async () => (await rest.perform('GetConversation', { conversationId: id })).me?.readSequence === read
  await vi.waitUntil(isKept, { timeout: KEPT_TIMEOUT_MS, interval: 30 })
}

async function changePrivateRead(model: ModelTalk, real: RealTalk, user: RealUser): Promise<void> {
  const privateRead = !model.privateReaders.has(user.id)
  const door = real.doorOf(user, 0)
  expect(await real.ask(user, door, ['UpdateSettings', { privateRead }])).toEqual({ value: { privateRead } })
  if (privateRead) model.privateReaders.add(user.id)
  else model.privateReaders.delete(user.id)
  expect(await real.ask(user, door, ['GetSettings', {}])).toEqual({ value: { privateRead } })
}

export const marking = {
  markDelivered: step('mark delivered', marksDelivered),
  markRead: step('mark read', marksRead),
  changePrivateRead: step('change private read', ({ model, real, user }) => changePrivateRead(model, real, user)),
}
