import { MessageType } from './hub-message.ts'
import type { Fields } from './message-fields.ts'
import { isMap } from './messagepack-elements.ts'
import { readValue } from './messagepack-value.ts'
import { ProtocolError } from './protocol-error.ts'

type Elements = readonly Buffer[]

const EMPTY_MAP = 0x80
const EMPTY_ARRAY = 0x90
export const ResultKind = { error: 1, nothing: 2, value: 3 } as const

/** The fields of one message, by the names they have in JSON. Elements behind those that are known are ignored. */
export function fieldsOf(elements: Elements): Fields {
  const type = valueAt(elements, 0)
  switch (type) {
    case MessageType.invocation:
    case MessageType.streamInvocation:
      return {
        type,
        ...headersOf(elements),
        ...invocationIdOf(elements),
        target: valueAt(elements, 3),
        arguments: valueAt(elements, 4),
        ...streamIdsOf(elements),
      }
    case MessageType.streamItem:
      return { type, ...headersOf(elements), ...invocationIdOf(elements), item: valueAt(elements, 3) }
    case MessageType.completion:
      return { type, ...headersOf(elements), ...invocationIdOf(elements), ...outcomeOf(elements) }
    case MessageType.cancelInvocation:
      return { type, ...headersOf(elements), ...invocationIdOf(elements) }
    case MessageType.close:
      return { type, error: valueAt(elements, 1), ...allowReconnectOf(elements) }
    case MessageType.ack:
    case MessageType.sequence:
      return { type, sequenceId: valueAt(elements, 1) }
    default:
      return { type }
  }
}

function elementAt(elements: Elements, index: number): Buffer {
  const element = elements[index]
  if (element === undefined) throw new ProtocolError('The message lacks an element.')
  return element
}

const valueAt = (elements: Elements, index: number): unknown => readValue(elementAt(elements, index))

function headersOf(elements: Elements): Fields {
  const element = elementAt(elements, 1)
  if (!isMap(element[0])) throw new ProtocolError("Expected 'headers' to be a map.")
  if (element[0] === EMPTY_MAP) return {}
  const headers = readValue(element, headerNameOf) as Fields
  if (Object.values(headers).includes('')) throw new ProtocolError("Expected the values of 'headers' not to be empty.")
  return { headers }
}

function headerNameOf(key: unknown): string {
  if (typeof key === 'string' && key !== '') return key
  throw new TypeError('The name of a header is a text.')
}

function invocationIdOf(elements: Elements): Fields {
  const invocationId = valueAt(elements, 2)
  return invocationId === null ? {} : { invocationId }
}

/** Clients of older versions do not send them. */
function streamIdsOf(elements: Elements): Fields {
  const element = elements[5]
  return element === undefined || element[0] === EMPTY_ARRAY ? {} : { streamIds: readValue(element) }
}

function outcomeOf(elements: Elements): Fields {
  const kind = valueAt(elements, 3)
  if (kind === ResultKind.nothing) return {}
  const value = valueAt(elements, 4)
  if (kind === ResultKind.value) return { result: value }
  if (kind !== ResultKind.error) throw new ProtocolError('The kind of the result is unknown.')
  if (typeof value !== 'string') throw new ProtocolError("Expected 'error' to be a string.")
  return { error: value }
}

function allowReconnectOf(elements: Elements): Fields {
  const allowReconnect = elements.length > 2 && valueAt(elements, 2)
  return allowReconnect === false ? {} : { allowReconnect }
}
