import { silentLog } from '@parley/testing'
import type { Inspected, Inspection } from '../src/inspect/inspector.ts'
import { openInspector, type InspectorOptions } from '../src/inspect/open-inspector.ts'
import { serveLinkedFiles, type LinkedFiles } from './linked-files.ts'

export interface InspectorForTest extends AsyncDisposable {
  readonly files: LinkedFiles
  /** The verdict on this content, declared to be of this type. */
  inspect(type: string, content: Uint8Array, options?: { isAvatar?: boolean; size?: number }): Promise<Inspection>
  readonly inspectLinked: (file: Inspected, signal?: AbortSignal) => Promise<Inspection>
}

export type Fine = Extract<Inspection, { verdict: 'fine' }>

/** An inspector, and a server of files for it. */
export async function startInspector(options: Partial<InspectorOptions> = {}): Promise<InspectorForTest> {
  const files = await serveLinkedFiles()
  const inspector = openInspector({
    atOnce: 1,
    timeoutMs: 20_000,
    memoryMb: 512,
    maxPixels: 50_000_000,
    log: silentLog,
    ...options,
  })
  const inspectLinked = (file: Inspected, signal = new AbortController().signal) => inspector.inspect(file, signal)
  return {
    files,
    inspectLinked,
    inspect: (type, content, linked) => inspectLinked(files.link(type, content, linked)),
    async [Symbol.asyncDispose]() {
      await inspector[Symbol.asyncDispose]()
      await files[Symbol.asyncDispose]()
    },
  }
}

export function assertFine(inspection: Inspection): asserts inspection is Fine {
  if (inspection.verdict !== 'fine') throw new Error(`not fine, but ${inspection.verdict}`)
}
