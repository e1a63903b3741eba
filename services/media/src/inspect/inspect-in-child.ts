import { inspectFile, type InspectionLimits } from './inspect-file.ts'
import { limitLibvips } from './images/limit-libvips.ts'
import type { Inspected, Inspection } from './inspector.ts'

/** What the parent sends: its limits come first. */
export interface Given {
  readonly file: Inspected
  readonly limits: InspectionLimits
}

/** What a child says: once that it is ready, and then, for each file it is given, what became of it. */
export type Said = 'ready' | { readonly inspection: Inspection } | { readonly linkFailed: string }

limitLibvips()

// Who stops all processes at once means the parent: a child that just went away would be taken for the victim of a file.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)
process.on('disconnect', () => process.exit())
// Left behind by a library that did not wait for all that it began: what was waited for has told the verdict.
process.on('unhandledRejection', () => undefined)

process.on('message', ({ file, limits }: Given) => {
  inspectFile(file, limits).then(
    (inspection) => say({ inspection }),
    (error: unknown) => say({ linkFailed: reasonOf(error) }),
  )
})
say('ready')

function say(said: Said): void {
  process.send?.(said)
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message
}
