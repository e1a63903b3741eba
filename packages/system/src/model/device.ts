import { RefusedError, type Chat, type Rest } from '@parley/client'
import type { HubEventName, InputOf, operations, SentMessage } from '@parley/protocol'
import { refusalOf } from '../until-answered.ts'
import type { Telling } from './model-conversation.ts'
import { answered, refused, type Outcome } from './outcome.ts'

type Operations = typeof operations
/** Offered by the hub and by REST. */
export type Question = Parameters<Chat['hub']['invoke']>[0] & Parameters<Rest['perform']>[0]
export type Input<Name extends Question> = InputOf<Operations[Name]>
export type Output<Name extends Question> = Operations[Name]['output']['_output']

/** Where a user asks: a connected device, or REST. */
export interface Door {
  readonly name: string
  ask<Name extends Question>(name: Name, input: Input<Name>): Promise<Output<Name>>
  /** A message that was not sent before. */
  send(input: Input<'SendMessage'>): Promise<SentMessage>
}

/** What was told on one connection, and what had been told before it began. */
export interface Hearing {
  from: number
  readonly heard: Telling[]
}

/** One of a user's clients, which is disconnected and connected again. */
export interface Device extends Door {
  readonly isConnected: boolean
  connect(): Promise<void>
  /** Throws when something else was heard than was told. */
  disconnect(): Promise<void>
  close(): Promise<void>
  /** Throws while it does not have all that it should. */
  expectComplete(): void
}

export const restDoor = (rest: Rest): Door => ({
  name: 'REST',
  ask: (name, input) => rest.perform(name, input),
  send: (input) => rest.perform('SendMessage', input),
})

/** What was answered for certain. */
export async function outcomeOf<Value>(asked: Promise<Value>): Promise<Outcome<Value>> {
  try {
    return answered(await asked)
  } catch (error) {
    const code = error instanceof RefusedError ? error.code : refusalOf(error)
    if (code === undefined) throw error
    return refused(code as RefusedError['code'])
  }
}

const VERSIONED: readonly string[] = [
  'MessageCreated',
  'MessageUpdated',
  'ConversationUpdated',
  'MemberJoined',
  'MemberLeft',
  'MemberChanged',
] satisfies HubEventName[]

/** A change of a conversation, if the event is one; what is told personally is not. */
export function tellingOf(name: string, payload: object): Telling | undefined {
  if (!VERSIONED.includes(name) || 'me' in payload) return undefined
  const { version, ...place } = payload as { version: number; id: string; conversationId?: string }
  return { name, conversationId: place.conversationId ?? place.id, version }
}
