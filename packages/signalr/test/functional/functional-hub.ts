import { once } from 'node:events'
import type { Hub } from '../../src/index.ts'
import { complexObject } from './complex-object.ts'
import type { OpeningRequest } from './opening-request.ts'

/** .NET puts the type of an error before its message, and its clients' tests compare it. */
export class InvalidOperationException extends Error {
  override readonly name = 'InvalidOperationException'
}

/** The methods that the functional tests of the official JavaScript client call, and what those expect of them. */
export const functionalHub: Hub<OpeningRequest> = {
  methods: {
    Echo: (_caller, value) => value,
    EchoComplexObject: (_caller, object) => object,
    SendComplexObject: () => complexObject,
    SendCustomObject: (caller, object) => caller.send('CustomObject', object),
    InvokeWithString: (caller, text) => caller.send('Message', text),
    ThrowException: (_caller, message) => {
      throw new InvalidOperationException(String(message))
    },

    GetCallerConnectionId: (caller) => caller.id,
    GetActiveTransportName: (caller) => caller.transport,
    GetNumRedirects: ({ identity }) => Number(identity.query.get('numRedirects')),
    GetHeader: ({ identity }, name) => identity.headers[String(name).toLowerCase()] ?? null,
    GetCookie: ({ identity }, name) => identity.cookies.get(String(name)) ?? null,

    async *Stream() {
      yield* ['a', 'b', 'c']
    },
    async *EmptyStream() {},
    // oxlint-disable-next-line require-yield
    async *StreamThrowException(_caller, message) {
      throw new InvalidOperationException(String(message))
    },
    // A generator would not even begin if it were canceled at once.
    InfiniteStream: {
      streams: true,
      run(caller, _args, { signal }) {
        signal.addEventListener('abort', () => caller.send('StreamCanceled'), { once: true })
        return silence(signal)
      },
    },
    StreamingConcat: {
      uploads: 1,
      async run(_caller, _args, { uploads: [pieces] }) {
        let text = ''
        for await (const piece of pieces!) text += String(piece)
        return text
      },
    },
  },
}

/** A stream without items, until it is aborted. */
// oxlint-disable-next-line require-yield
async function* silence(signal: AbortSignal): AsyncGenerator<never, void> {
  if (!signal.aborted) await once(signal, 'abort')
}
