import type { z } from 'zod'
import type { RefusalCode } from './refusals.ts'

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
export type Route = `${Method} /${string}`

/** One thing a client can ask for, by hub, by REST or by both. REST, hub, documents and typed clients all come from it. */
export interface Operation<
  Input extends z.ZodObject = z.ZodObject,
  Output extends z.ZodType = z.ZodType,
  Errors extends readonly RefusalCode[] = readonly RefusalCode[],
> {
  /** One sentence for the documents. */
  readonly summary: string
  /** The hub method, where the hub offers it. */
  readonly hub?: string
  /** Method and path below `/api/v1`, where REST offers it. Fields named in braces come from the path. */
  readonly rest?: Route
  /** By REST, answers with a redirect to the `url` of its output, unless JSON is asked for. */
  readonly redirects?: true
  /** By REST, who may keep the answer (`Cache-Control`); nobody, if it is not said. Refusals are never kept. */
  readonly cacheControl?: string
  readonly input: Input
  readonly output: Output
  /** The refusals of this operation itself; those of `alwaysPossible` can come besides. */
  readonly errors: Errors
}

export type InputOf<O extends Operation> = z.input<O['input']>
export type OutputOf<O extends Operation> = z.output<O['output']>

/** Refusals that any operation can answer with; and `forbidden`, where `access` is not for every bearer. */
export const alwaysPossible = [
  'invalid_input',
  'payload_too_large',
  'unauthenticated',
  'rate_limited',
  'overloaded',
  'unavailable',
  'internal',
] as const

export function operation<const Declared extends Operation<z.ZodObject, z.ZodType, readonly RefusalCode[]>>(
  declared: Declared,
): Declared {
  return declared
}
