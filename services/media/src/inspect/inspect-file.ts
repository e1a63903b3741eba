import { mediaTypeOf } from '../domain/media-types.ts'
import { inspectImage } from './images/inspect-image.ts'
import type { Inspected, Inspection } from './inspector.ts'
import { ContentReplaced, LinkedContent } from './linked-content.ts'
import { NOTHING_FOUND } from './nothing-found.ts'
import { pdfPages } from './pdf-pages.ts'
import { confirmType } from './real-type.ts'
import { soundOrFilm } from './sound-and-film.ts'

export interface InspectionLimits {
  readonly maxPixels: number
  /** Half of it can be waited for the link. */
  readonly timeoutMs: number
}

/** The verdict on one file. Rejects with `LinkFailed` when its content cannot be read. */
export async function inspectFile(file: Inspected, limits: InspectionLimits): Promise<Inspection> {
  try {
    return await inspect(file, limits)
  } catch (error) {
    if (error instanceof ContentReplaced) return { verdict: 'replaced_while_checked' }
    throw error
  }
}

async function inspect(file: Inspected, { maxPixels, timeoutMs }: InspectionLimits): Promise<Inspection> {
  const endsAt = performance.now() + timeoutMs
  const mediaType = mediaTypeOf(file.type)
  if (mediaType === undefined) return { verdict: 'not_the_declared_type' }
  const isImage = mediaType.kind === 'image'
  if (file.isAvatar && !isImage) return { verdict: 'not_the_declared_type' }

  const content = new LinkedContent(file, timeoutMs / 2)
  if (isImage) await content.readWhole()
  const realType = await confirmType(mediaType, content)
  if (realType === undefined) return { verdict: 'not_the_declared_type' }
  if (isImage) {
    const secondsLeft = () => (endsAt - performance.now()) / 1_000
    return inspectImage(await content.readWhole(), file, { maxPixels, secondsLeft })
  }
  return {
    verdict: 'fine',
    findings: await findingsOf(content, mediaType.kind, realType),
    rewritten: null,
    thumbnails: null,
  }
}

async function findingsOf(content: LinkedContent, kind: 'video' | 'audio' | 'document', realType: string) {
  if (kind !== 'document') return soundOrFilm(content, realType)
  if (realType === 'application/pdf') return { ...NOTHING_FOUND, pages: await pdfPages(content) }
  return NOTHING_FOUND
}
