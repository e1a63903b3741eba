import { MessageType, type HubMessage, type MessageHeaders } from './hub-message.ts'
import { ProtocolError } from './protocol-error.ts'

/** A message as a protocol finds it, by the names of `HubMessage`. What is not there has no field. */
export type Fields = Readonly<Record<string, unknown>>

/**
 * A hub message, checked field by field and copied by name; fields it does not know are dropped. Undefined for a message
 * type that does not exist yet. Throws `ProtocolError`.
 */
export function messageOf(fields: Fields): HubMessage | undefined {
  const type = fields['type']
  if (!Number.isInteger(type)) throw new ProtocolError("Expected 'type' to be an integer.")
  switch (type) {
    case MessageType.invocation:
      return { type, ...headersOf(fields), ...(has(fields, 'invocationId') && idOf(fields)), ...callOf(fields) }
    case MessageType.streamInvocation:
      return { type, ...headersOf(fields), ...idOf(fields), ...callOf(fields) }
    case MessageType.streamItem:
      if (!has(fields, 'item')) throw new ProtocolError("Missing required property 'item'.")
      return { type, ...headersOf(fields), ...idOf(fields), item: fields['item'] }
    case MessageType.completion:
      return { type, ...headersOf(fields), ...idOf(fields), ...outcomeOf(fields) }
    case MessageType.cancelInvocation:
      return { type, ...headersOf(fields), ...idOf(fields) }
    case MessageType.ping:
      return { type }
    case MessageType.close:
      return { type, ...optional(fields, 'error', 'string'), ...optional(fields, 'allowReconnect', 'boolean') }
    case MessageType.ack:
    case MessageType.sequence:
      return { type, sequenceId: sequenceIdOf(fields) }
    default:
      return undefined
  }
}

const has = (fields: Fields, name: string): boolean => Object.hasOwn(fields, name)

function headersOf(fields: Fields): { headers?: MessageHeaders } {
  if (!has(fields, 'headers')) return {}
  const headers = fields['headers']
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers)) {
    throw new ProtocolError("Expected 'headers' to be an object.")
  }
  if (!Object.values(headers).every((value) => typeof value === 'string')) {
    throw new ProtocolError("Expected the values of 'headers' to be strings.")
  }
  return { headers: headers as MessageHeaders }
}

function idOf(fields: Fields): { invocationId: string } {
  return { invocationId: nonEmptyString(fields, 'invocationId') }
}

function callOf(fields: Fields): { target: string; arguments: unknown[]; streamIds?: string[] } {
  const target = nonEmptyString(fields, 'target')
  const list = fields['arguments']
  if (!Array.isArray(list)) throw new ProtocolError("Expected 'arguments' to be an array.")
  if (!has(fields, 'streamIds')) return { target, arguments: list }
  const streamIds = fields['streamIds']
  if (!Array.isArray(streamIds) || !streamIds.every((id) => typeof id === 'string' && id !== '')) {
    throw new ProtocolError("Expected 'streamIds' to be an array of non-empty strings.")
  }
  return { target, arguments: list, streamIds }
}

function outcomeOf(fields: Fields): { result?: unknown; error?: string } {
  const error = optional(fields, 'error', 'string')
  if (!has(fields, 'result')) return error
  if ('error' in error) throw new ProtocolError("The 'result' and 'error' properties are mutually exclusive.")
  return { result: fields['result'] }
}

/** Completions and closes are written with `null` by some, where others leave the property out. */
function optional<Name extends string>(fields: Fields, name: Name, type: 'string'): { [K in Name]?: string }
function optional<Name extends string>(fields: Fields, name: Name, type: 'boolean'): { [K in Name]?: boolean }
function optional(fields: Fields, name: string, type: 'string' | 'boolean'): object {
  const value = fields[name]
  if (value === undefined || value === null) return {}
  if (typeof value !== type) throw new ProtocolError(`Expected '${name}' to be a ${type}.`)
  return { [name]: value }
}

/** Counting starts at 1, and an acknowledgement of nothing is 0: a negative id would silence a connection for good. */
function sequenceIdOf(fields: Fields): number {
  const id = fields['sequenceId']
  if (!Number.isSafeInteger(id) || (id as number) < 0) {
    throw new ProtocolError("Expected 'sequenceId' to be a non-negative integer.")
  }
  return id as number
}

function nonEmptyString(fields: Fields, name: string): string {
  const value = fields[name]
  if (typeof value !== 'string' || value === '') throw new ProtocolError(`Expected '${name}' to be a non-empty string.`)
  return value
}
