import {
  access,
  alwaysPossible,
  operations,
  refusals,
  type Operation,
  type OperationName,
  type RefusalCode,
} from '@parley/protocol'
import { z } from 'zod'

const REF = '#/components/schemas/'

/** The REST interface as an OpenAPI 3.1 document, from the operations' declarations. */
export function openApiDocument(options: { publicUrl: string }): object {
  const inputs = schemasOf('input')
  const outputs = schemasOf('output')
  return {
    openapi: '3.1.0',
    info: {
      title: 'Parley',
      version: '1',
      description:
        'Group chat over REST. What happens live comes by the SignalR hub at `/hubs/chat`. Errors are problem documents (RFC 9457) with a `code`.',
    },
    servers: [{ url: `${options.publicUrl}/api/v1` }],
    security: [{ accessToken: [] }],
    paths: paths(inputs.byOperation, outputs.byOperation),
    components: {
      securitySchemes: { accessToken: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
      schemas: { ...inputs.named, ...outputs.named, Problem: problemSchema },
    },
  }
}

function paths(
  inputs: Record<string, Schema>,
  outputs: Record<string, Schema>,
): Record<string, Record<string, object>> {
  const paths: Record<string, Record<string, object>> = {}
  for (const [name, declared] of Object.entries<Operation>(operations) as [OperationName, Operation][]) {
    if (declared.rest === undefined) continue
    const [method = '', path = ''] = declared.rest.split(' ')
    const operation = describe(name, declared, { method, path, input: inputs[name] ?? {}, output: outputs[name] ?? {} })
    paths[path] = { ...paths[path], [method.toLowerCase()]: operation }
  }
  return paths
}

function describe(
  name: OperationName,
  declared: Operation,
  { method, path, input, output }: { method: string; path: string; input: Schema; output: Schema },
): object {
  const properties = (input['properties'] ?? {}) as Record<string, object>
  const required = (input['required'] ?? []) as string[]
  const inPath = new Set([...path.matchAll(/\{(\w+)\}/g)].map(([, field = '']) => field))
  const others = Object.keys(properties).filter((field) => !inPath.has(field))
  const inQuery = method === 'GET' || method === 'DELETE'
  const parameters = Object.entries(properties)
    .filter(([field]) => inPath.has(field) || inQuery)
    .map(([field, schema]) => ({
      name: field,
      in: inPath.has(field) ? 'path' : 'query',
      required: required.includes(field),
      schema,
      ...(inPath.has(field) ? {} : { style: 'form', explode: false }),
    }))
  return {
    operationId: name,
    tags: [path.split('/')[1]],
    summary: declared.summary,
    description: [...(declared.hub === undefined ? [] : [`On the hub: \`${declared.hub}\`.`]), whoMay(name)].join(
      '\n\n',
    ),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(inQuery || others.length === 0 ? {} : { requestBody: bodyOf(properties, required, others) }),
    ...(access[name].scope === 'anyone' ? { security: [] } : {}),
    responses: {
      200: { description: 'Done.', content: { 'application/json': { schema: output } } },
      ...(declared.redirects === true ? { 302: { description: 'To the `url`, unless JSON is asked for.' } } : {}),
      ...problems([
        ...alwaysPossible,
        ...(['any', 'anyone'].includes(access[name].scope) ? [] : (['forbidden'] as const)),
        ...declared.errors,
      ]),
    },
  }
}

function whoMay(name: OperationName): string {
  const { scope } = access[name]
  if (scope === 'admin') return 'Needs the scope `admin`.'
  if (scope === 'person') return 'Not for service accounts.'
  if (scope === 'anyone') return 'For everybody, without a token.'
  return scope === 'any' ? 'For every bearer.' : `Service accounts need the scope \`${scope}\`.`
}

function bodyOf(properties: Record<string, object>, required: string[], fields: string[]): object {
  const schema = {
    type: 'object',
    properties: Object.fromEntries(fields.map((field) => [field, properties[field]])),
    required: required.filter((field) => fields.includes(field)),
    additionalProperties: false,
  }
  return { required: true, content: { 'application/json': { schema } } }
}

function problems(codes: readonly RefusalCode[]): Record<string, object> {
  const byStatus = Map.groupBy(new Set(codes), (code) => refusals[code].status)
  return Object.fromEntries(
    [...byStatus].map(([status, sameStatus]) => [
      status,
      {
        description: sameStatus.map((code) => `\`${code}\`: ${refusals[code].sentence}`).join('\n\n'),
        content: { 'application/problem+json': { schema: { $ref: `${REF}Problem` } } },
      },
    ]),
  )
}

const problemSchema = {
  type: 'object',
  required: ['type', 'title', 'status', 'code', 'detail', 'requestId'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { type: 'string', enum: Object.keys(refusals) },
    detail: { type: 'string' },
    requestId: { type: 'string' },
  },
}

type Schema = Record<string, unknown>

/** The inputs, or outputs, of all operations as JSON Schema, and the named objects they refer to, each once. */
function schemasOf(side: 'input' | 'output'): { byOperation: Record<string, Schema>; named: Record<string, Schema> } {
  const all = z.object(Object.fromEntries(Object.entries(operations).map(([name, declared]) => [name, declared[side]])))
  // Answers may gain fields: only inputs are closed.
  const override = ({ jsonSchema }: { jsonSchema: Schema }) => {
    if (side === 'output') delete jsonSchema['additionalProperties']
  }
  const converted = JSON.stringify(z.toJSONSchema(all, { io: side, override })).replaceAll('#/$defs/', REF)
  const { properties, $defs } = JSON.parse(converted) as {
    properties: Record<string, Schema>
    $defs: Record<string, Schema>
  }
  const named = Object.entries($defs).map(([id, { id: _id, ...schema }]) => [id, schema] as const)
  return { byOperation: properties, named: Object.fromEntries(named) }
}
