import { randomUUID } from 'node:crypto'
import { subjectOf, type Call, type Contract, type ErrorsOf, type ReplyOf, type RequestOf } from '@parley/contracts'
import type { Refusal, RefusalCode } from '@parley/protocol'
import { ErrorCode, NatsError } from 'nats'
import { BusError } from './bus-error.ts'
import type { Bus } from './bus.ts'
import { writeContext, type CallContext } from './call-context.ts'
import { decodeReply, encodeJson } from './wire.ts'

export type Answer<Value, Code extends RefusalCode = RefusalCode> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly refusal: Refusal<Code> }

type Caller<C extends Call> = (request: RequestOf<C>, within?: CallContext) => Promise<Answer<ReplyOf<C>, ErrorsOf<C>>>

export type Callers<C extends Contract> = { readonly [Name in keyof C['calls']]: Caller<C['calls'][Name]> }

/**
 * The calls of a contract as functions. Each is answered with a value or a declared refusal, or throws a `BusError`; it is
 * never tried again here: only the client knows whether a retry is safe. A call made `within` another has what is left of
 * that one's time.
 */
export function callerOf<C extends Contract>(bus: Bus, contract: C): Callers<C> {
  return Object.fromEntries(
    Object.entries(contract.calls).map(([name, declared]) => [name, callerOfOne(bus, declared)]),
  ) as Callers<C>
}

function callerOfOne(bus: Bus, declared: Call): Caller<Call> {
  return async (request, within) => {
    const timeoutMs = Math.min(declared.timeoutMs, within?.remainingMs() ?? Infinity)
    if (timeoutMs < 1) throw new BusError('timeout', `${declared.subject}: no time left`)
    const requestId = within?.requestId ?? randomUUID()
    try {
      const message = await bus.whileConnected(() =>
        bus.nats.request(subjectOf(declared, request as Record<string, string>), encodeJson(request), {
          timeout: timeoutMs,
          headers: writeContext(requestId, timeoutMs),
        }),
      )
      return decodeReply(declared, message.data)
    } catch (error) {
      throw busErrorOf(declared.subject, error)
    }
  }
}

function busErrorOf(subject: string, error: unknown): BusError {
  if (error instanceof BusError) return error
  if (error instanceof NatsError && error.code === ErrorCode.Timeout) {
    return new BusError('timeout', `${subject}: no answer in time`, { cause: error })
  }
  if (error instanceof NatsError && error.code !== ErrorCode.MaxPayloadExceeded) {
    return new BusError('unavailable', `${subject}: ${error.code}`, { cause: error })
  }
  return new BusError('internal', `${subject}: could not be asked`, { cause: error })
}

/** The value of an answer, where a refusal would be a mistake of ours. */
export function must<Value>(answer: Answer<Value>): Value {
  if (!answer.ok) throw new Error(`refused: ${answer.refusal.code}`)
  return answer.value
}
