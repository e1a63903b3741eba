import type { IncomingMessage } from 'node:http'

export interface RequestTarget {
  /** In lower case, without a slash at its end: clients and servers of this family do not tell them apart. */
  readonly path: string
  /** A query parameter by its name in lower case. */
  readonly query: (name: string) => string | undefined
}

/** Where a request goes. Under an express mount path the original URL counts. */
export function targetOf(request: IncomingMessage & { originalUrl?: string }): RequestTarget {
  const url = request.originalUrl ?? request.url ?? '/'
  const mark = url.indexOf('?')
  return {
    path: normalPath(mark < 0 ? url : url.slice(0, mark)),
    query: (name) => {
      if (mark < 0) return undefined
      for (const [key, value] of new URLSearchParams(url.slice(mark))) if (key.toLowerCase() === name) return value
      return undefined
    },
  }
}

export function normalPath(path: string): string {
  let end = path.length
  while (path[end - 1] === '/') end--
  return path.slice(0, end).toLowerCase()
}
