import {
  operations,
  refusals,
  type InputOf,
  type Operation,
  type OperationName,
  type OutputOf,
  type RefusalCode,
} from '@parley/protocol'
import { RefusedError } from './refused-error.ts'

type Operations = typeof operations

/** The operations that REST offers. */
type RestOperationName = {
  [Name in OperationName]: Operations[Name] extends { rest: string } ? Name : never
}[OperationName]

export interface Rest {
  perform<Name extends RestOperationName>(
    name: Name,
    input: InputOf<Operations[Name]>,
  ): Promise<OutputOf<Operations[Name]>>
}

/** The REST interface with the names and types of the protocol. */
export function openRest(options: { url: string; accessToken: string }): Rest {
  return {
    async perform(name, input) {
      const { method, url, rest } = addressOf(operations[name], input, `${options.url}/api/v1`)
      const hasBody = method !== 'GET' && method !== 'DELETE'
      const response = await fetch(hasBody ? url : `${url}?${queryOf(rest)}`, {
        method,
        headers: {
          accept: 'application/json',
          authorization: `Bearer ${options.accessToken}`,
          ...(hasBody ? { 'content-type': 'application/json' } : {}),
        },
        ...(hasBody ? { body: JSON.stringify(rest) } : {}),
      })
      const answer: unknown = await response.json()
      if (!response.ok) throw refusedErrorOf(answer, response.status)
      return answer as OutputOf<Operations[typeof name]>
    },
  }
}

/** Fields named in the route's braces go into the path, the others are left over. */
function addressOf(declared: Operation, input: object, base: string) {
  const [method = '', template = ''] = (declared.rest ?? '').split(' ')
  const rest = new Map<string, unknown>(Object.entries(input))
  const path = template.replace(/\{(\w+)\}/g, (_, field: string) => {
    const value = String(rest.get(field))
    rest.delete(field)
    return encodeURIComponent(value)
  })
  return { method, url: `${base}${path}`, rest: Object.fromEntries(rest) }
}

function queryOf(fields: Record<string, unknown>): string {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined)
  return new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString()
}

function refusedErrorOf(answer: unknown, status: number): Error {
  const { code = '', detail = '', ...rest } = (answer ?? {}) as { code?: string; detail?: string }
  if (!(code in refusals)) return new Error(`the server answered ${status}`)
  return new RefusedError(code as RefusalCode, detail, rest)
}
