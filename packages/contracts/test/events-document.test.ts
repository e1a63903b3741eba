import { auth, media, messaging, presence, retention, type Contract } from '@parley/contracts'
import { expect, test } from 'vitest'
import { z } from 'zod'

const contracts: readonly Contract[] = [messaging, presence, auth, media, retention]

const introduction = `# Events for other services

What a service outside of Parley can hear on NATS. This file is made from the contracts (\`src/\`), whose tests write it.

- **Where**: each service has a JetStream stream named for it in upper case (\`MESSAGING\`), with the subjects
  \`<service>.event.>\`. Payloads are JSON. A stream keeps three days.
- **Guarantee**: at least once. An event is written in the transaction of the change it tells of and published after the commit,
  by another instance if the first one dies; it counts as told when JetStream has acknowledged it. (Presence has no database: what
  Redis forgets before it was told is not told.)
- **Repetitions** carry the same \`Nats-Msg-Id\` (\`<conversationId>.<version>\` for \`messaging\`); JetStream drops those of two
  minutes, later ones are recognised by \`version\`.
- **Order**: possibly out of order. \`version\` is gapless over all events of a conversation that have one, from 1: order by it,
  and know by it that nothing is missing. One version has one event.
- **How**: a durable pull consumer of your own (\`ack_policy: explicit\`), filtered by subject; a parameter in braces may be \`*\`.
  Ignore fields you do not know: payloads gain some.
- Objects (\`Message\`, \`Conversation\`, \`Member\`) are those of the public interface, without anybody's personal part.
`

/** A payload's fields as a list, objects of the public interface by their name. */
function fieldsOf(payload: z.ZodType): string[] {
  const schema = z.toJSONSchema(payload, { io: 'output' }) as {
    properties: Record<string, JsonSchema>
    required?: string[]
  }
  return Object.entries(schema.properties).map(
    ([name, field]) => `- \`${name}\`: ${typeOf(field)}${schema.required?.includes(name) === true ? '' : ', optional'}`,
  )
}

interface JsonSchema {
  readonly $ref?: string
  readonly type?: string
  readonly enum?: readonly string[]
  readonly format?: string
  readonly items?: JsonSchema
  readonly anyOf?: readonly JsonSchema[]
  readonly properties?: Record<string, JsonSchema>
}

function typeOf(schema: JsonSchema): string {
  if (schema.$ref !== undefined) return schema.$ref.replace('#/$defs/', '')
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${value}\``).join(' or ')
  if (schema.anyOf !== undefined) return schema.anyOf.map(typeOf).join(' or ')
  if (schema.type === 'array') return `list of ${typeOf(schema.items ?? {})}`
  if (schema.properties !== undefined) return `{ ${Object.keys(schema.properties).join(', ')} }`
  return schema.format ?? schema.type ?? 'anything'
}

test('EVENTS.md describes every event as it is', async () => {
  const chapters = contracts.map(({ service, events }) => {
    const sections = Object.values(events).map(
      ({ subject, summary, payload }) => `### \`${subject}\`\n\n${summary}\n\n${fieldsOf(payload).join('\n')}\n`,
    )
    return `## ${service}\n\n${sections.join('\n')}`
  })
  await expect([introduction, ...chapters].join('\n')).toMatchFileSnapshot('../EVENTS.md')
})
