import type { DeclaredMethod, HubConnection, HubMethod, MethodCall } from './hub.ts'

/** A method of the hub, with all that there is to know before it runs. */
export interface RunnableMethod<Identity, State> {
  /** As the hub writes it. */
  readonly name: string
  readonly uploads: number
  readonly streams: boolean
  run(connection: HubConnection<Identity, State>, args: readonly unknown[], call: MethodCall): unknown
}

/** Finds methods by their name as the hub writes it, and in any case. */
export class HubMethods<Identity, State> {
  /** A map, so that no name finds what every object inherits. */
  readonly #byName = new Map<string, RunnableMethod<Identity, State>>()

  constructor(methods: Readonly<Record<string, HubMethod<Identity, State> | DeclaredMethod<Identity, State>>>) {
    const lowerCaseNames = new Set<string>()
    for (const [name, declared] of Object.entries(methods)) {
      const lowerCaseName = name.toLowerCase()
      if (lowerCaseNames.has(lowerCaseName)) throw new Error(`The hub has two methods named '${lowerCaseName}'.`)
      lowerCaseNames.add(lowerCaseName)
      const method = runnable(name, declared)
      this.#byName.set(name, method)
      this.#byName.set(lowerCaseName, method)
    }
  }

  named(target: string): RunnableMethod<Identity, State> | undefined {
    return this.#byName.get(target) ?? this.#byName.get(target.toLowerCase())
  }
}

function runnable<Identity, State>(
  name: string,
  method: HubMethod<Identity, State> | DeclaredMethod<Identity, State>,
): RunnableMethod<Identity, State> {
  if (typeof method === 'function') {
    return { name, uploads: 0, streams: isGenerator(method), run: (connection, args) => method(connection, ...args) }
  }
  return {
    name,
    uploads: method.uploads ?? 0,
    streams: method.streams ?? isGenerator(Reflect.get(method, 'run')),
    run: (connection, args, call) => method.run(connection, args, call),
  }
}

/** Also of a bound one. */
const isGenerator = (method: unknown): boolean =>
  Object.prototype.toString.call(method) === '[object AsyncGeneratorFunction]'
