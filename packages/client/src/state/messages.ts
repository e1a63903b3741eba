import type { Message } from '@parley/protocol'
import type { Basis } from './chat-state.ts'

/** The index of the first message from this sequence on. */
export function indexFrom(messages: readonly Message[], sequence: number): number {
  let [low, high] = [0, messages.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (messages[middle]!.sequence < sequence) low = middle + 1
    else high = middle
  }
  return low
}

export function messageAt(messages: readonly Message[], sequence: number): Message | undefined {
  const message = messages[indexFrom(messages, sequence)]
  return message?.sequence === sequence ? message : undefined
}

/**
 * With those whose version is above that of the same message here. Of those that are not here, some were left out on purpose,
 * and stay so whatever changes in them: there would be a hole behind them.
 */
export function withMessages(
  messages: readonly Message[],
  told: readonly Message[],
  { wholeTo, wholeFrom }: Pick<Basis, 'wholeTo' | 'wholeFrom'>,
): readonly Message[] {
  const changed = new Map<number, Message>()
  for (const message of told) {
    const { sequence, version } = message
    const known = changed.get(sequence) ?? messageAt(messages, sequence)
    if (known === undefined && sequence < wholeFrom) continue
    if (version > (known?.version ?? wholeTo)) changed.set(sequence, message)
  }
  if (changed.size === 0) return messages
  const ascending = [...changed.values()].toSorted((a, b) => a.sequence - b.sequence)
  // What is new usually stands at the end.
  const from = indexFrom(messages, ascending[0]!.sequence)
  return from === messages.length ? [...messages, ...ascending] : merged(messages, ascending, from)
}

/** From this index on, one of the same sequence is replaced. */
function merged(messages: readonly Message[], ascending: readonly Message[], from: number): readonly Message[] {
  const result = messages.slice(0, from)
  let index = from
  for (const message of ascending) {
    for (; index < messages.length && messages[index]!.sequence < message.sequence; index++)
      result.push(messages[index]!)
    if (messages[index]?.sequence === message.sequence) index++
    result.push(message)
  }
  for (; index < messages.length; index++) result.push(messages[index]!)
  return result
}
