import type { RefusalCode } from '@parley/protocol'
import type { z } from 'zod'

/** Asks one service and is answered: a value, or one of the declared refusals. */
export interface Call<
  Request extends z.ZodType = z.ZodType,
  Reply extends z.ZodType = z.ZodType,
  Errors extends readonly RefusalCode[] = readonly RefusalCode[],
> {
  /** With a parameter in braces, last, when one process is meant: a field of the request names it. */
  readonly subject: string
  readonly request: Request
  readonly reply: Reply
  /** The refusals that can come. Mandatory: `[]` says "never refuses". */
  readonly errors: Errors
  /** How long the whole answer may take, with everything that is called on the way. */
  readonly timeoutMs: number
}

/** A fact, stored in JetStream: at least once and possibly out of order. */
export interface Event<Payload extends z.ZodType = z.ZodType> {
  /** With the names of its parameters in braces, last. */
  readonly subject: string
  /** For the documents. */
  readonly summary: string
  readonly payload: Payload
}

/** Live only, and may be lost. Its payload is JSON, or bytes with a codec of their own. */
export interface Notice {
  readonly subject: string
}

export interface Contract {
  readonly service: string
  readonly calls: Readonly<Record<string, Call>>
  readonly events: Readonly<Record<string, Event>>
  readonly notices: Readonly<Record<string, Notice>>
}

export type RequestOf<C extends Call> = z.output<C['request']>
export type ReplyOf<C extends Call> = z.output<C['reply']>
export type ErrorsOf<C extends Call> = C['errors'][number]
export type PayloadOf<E extends Event> = z.output<E['payload']>

export function call<Request extends z.ZodType, Reply extends z.ZodType, const Errors extends readonly RefusalCode[]>(
  declared: Call<Request, Reply, Errors>,
): Call<Request, Reply, Errors> {
  return declared
}

export function event<Payload extends z.ZodType>(declared: Event<Payload>): Event<Payload> {
  return declared
}

export function notice(declared: Notice): Notice {
  return declared
}

export function contract<const Declared extends Contract>(declared: Declared): Declared {
  return declared
}

/** The subject with its parameters filled in. Parameters are ids: by construction legal NATS tokens. */
export function subjectOf(declared: { subject: string }, parameters: Readonly<Record<string, string>> = {}): string {
  return declared.subject.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = parameters[name]
    if (value === undefined || !/^[\w-]+$/.test(value)) throw new TypeError(`${declared.subject} needs a ${name}`)
    return value
  })
}
