import { z } from 'zod'

/** The last that an export has told. It means nothing to who asks with it. */
const ExportPlace = z.discriminatedUnion('step', [
  z.object({ step: z.literal('settings') }),
  z.object({ step: z.literal('blocks'), blockedId: z.uuid().nullable() }),
  z.object({
    step: z.literal('conversations'),
    conversationId: z.uuid().nullable(),
    /** The last message, and of that the last edit. */
    sequence: z.int(),
    edit: z.int(),
  }),
])
export type ExportPlace = z.infer<typeof ExportPlace>

export const firstExportPlace: ExportPlace = { step: 'settings' }

export const writeExportPlace = (place: ExportPlace): string => JSON.stringify(place)

/** One that cannot be read begins anew. */
export function readExportPlace(text: string | null): ExportPlace {
  try {
    return ExportPlace.parse(JSON.parse(text ?? ''))
  } catch {
    return firstExportPlace
  }
}
