import { ProtocolError } from './protocol-error.ts'

/** What a message may hold, however few bytes it takes. */
export interface ComplexityLimits {
  /** Levels of arrays and objects within each other, the message itself being the first. */
  readonly nestingDepth: number
  /** Values of all kinds, names included. */
  readonly messageValues: number
}

export const tooDeep = ({ nestingDepth }: ComplexityLimits): ProtocolError =>
  new ProtocolError(`The message is nested deeper than ${nestingDepth} levels.`)

export const tooMany = ({ messageValues }: ComplexityLimits): ProtocolError =>
  new ProtocolError(`The message has more than ${messageValues} values.`)

const MESSAGE_BYTES = 128
const VALUE_BYTES = 64

/** What a message takes in memory once it is read, in bytes, roughly: much more than on the wire if it is made so. */
export const weightOf = (bytes: number, values: number): number => MESSAGE_BYTES + bytes + VALUE_BYTES * values
