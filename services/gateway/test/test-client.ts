import { connectHub, type Hub } from '@parley/client'
import { hubEvents, type HubEventName } from '@parley/protocol'
import type { TestGateway } from './test-gateway.ts'

/** A client over the official library that keeps what it is told. */
export interface TestClient extends AsyncDisposable {
  readonly hub: Hub
  /** In the order told, without `Welcome`: the event's name and its argument. */
  readonly told: { readonly name: HubEventName; readonly argument: Record<string, unknown> }[]
  /** The texts of messages told as new, and of those told as changed with a `*`. */
  texts(): string[]
  names(): HubEventName[]
}

export async function connectClient(gateway: Pick<TestGateway, 'issuer' | 'url'>, userId: string): Promise<TestClient> {
  const told: TestClient['told'] = []
  const hub = await connectHub({
    url: gateway.url,
    accessToken: gateway.issuer.tokenFor(userId),
    listen(starting) {
      for (const name of Object.keys(hubEvents) as HubEventName[]) {
        if (name !== 'Welcome')
          starting.on(name, (argument: object) => void told.push({ name, argument: { ...argument } }))
      }
    },
  })
  return {
    hub,
    told,
    texts: () =>
      told.flatMap(({ name, argument }) => {
        if (name === 'MessageCreated') return [String(argument['text'])]
        return name === 'MessageUpdated' ? [`${String(argument['text'])}*`] : []
      }),
    names: () => told.map(({ name }) => name),
    [Symbol.asyncDispose]: () => hub[Symbol.asyncDispose](),
  }
}
