export type MediaKind = 'image' | 'video' | 'audio' | 'document'

/** What is known of a media type that clients may declare. */
export interface MediaType {
  readonly kind: MediaKind
  /** The names by which `file-type` may call such content; `text` where the content has no signature and must be text. */
  readonly content: readonly string[] | 'text'
  /** The type a browser is told at download. */
  readonly servedAs: string
  /** Whether a browser may show it in place. Everything else is only saved. */
  readonly inline: boolean
}

/** A browser told this runs nothing and shows nothing. */
const NOTHING_TO_RUN = 'application/octet-stream'
const OFFICE = 'application/vnd.openxmlformats-officedocument'
const OPEN_DOCUMENT = 'application/vnd.oasis.opendocument'
/** Office files before 2007, and newer ones with a password. */
const COMPOUND_FILE = 'application/x-cfb'

/**
 * The types that are accepted, and nothing else. Of images only those that we can draw anew, without their metadata: HEIC needs
 * a decoder that may not be passed on freely, BMP has none here. An animated PNG becomes its first frame.
 */
const mediaTypes: ReadonlyMap<string, MediaType> = new Map(
  Object.entries({
    'image/jpeg': shown('image'),
    'image/png': shown('image', 'image/png', 'image/apng'),
    'image/gif': shown('image'),
    'image/webp': shown('image'),
    'image/avif': shown('image'),
    'image/tiff': shown('image'),

    'video/mp4': shown('video', 'video/mp4', 'video/x-m4v'),
    'video/x-m4v': shown('video', 'video/mp4', 'video/x-m4v'),
    'video/quicktime': shown('video'),
    'video/webm': shown('video'),
    'video/x-matroska': shown('video', 'video/matroska', 'video/webm'),
    'video/ogg': shown('video'),
    'video/mpeg': shown('video', 'video/mpeg', 'video/MP1S', 'video/MP2P'),
    'video/3gpp': shown('video', 'video/3gpp', 'video/3gpp2'),
    'video/x-msvideo': shown('video', 'video/vnd.avi'),

    'audio/mpeg': shown('audio'),
    'audio/mp4': shown('audio', 'audio/mp4', 'audio/x-m4a', 'video/mp4'),
    'audio/x-m4a': shown('audio', 'audio/mp4', 'audio/x-m4a', 'video/mp4'),
    'audio/aac': shown('audio'),
    'audio/ogg': shown('audio', 'audio/ogg', 'audio/ogg; codecs=opus'),
    'audio/opus': shown('audio', 'audio/ogg; codecs=opus'),
    'audio/webm': shown('audio', 'video/webm'),
    'audio/wav': shown('audio'),
    'audio/x-wav': shown('audio', 'audio/wav'),
    'audio/flac': shown('audio'),
    'audio/amr': shown('audio'),

    'application/pdf': saved(),
    'application/rtf': saved(),
    'application/zip': saved(),
    'application/x-zip-compressed': saved('application/zip'),
    'application/gzip': saved(),
    'application/x-7z-compressed': saved(),
    'application/x-tar': saved(),
    'application/msword': saved(COMPOUND_FILE),
    'application/vnd.ms-excel': saved(COMPOUND_FILE),
    'application/vnd.ms-powerpoint': saved(COMPOUND_FILE),
    [`${OFFICE}.wordprocessingml.document`]: saved(`${OFFICE}.wordprocessingml.document`, COMPOUND_FILE),
    [`${OFFICE}.spreadsheetml.sheet`]: saved(`${OFFICE}.spreadsheetml.sheet`, COMPOUND_FILE),
    [`${OFFICE}.presentationml.presentation`]: saved(`${OFFICE}.presentationml.presentation`, COMPOUND_FILE),
    [`${OPEN_DOCUMENT}.text`]: saved(),
    [`${OPEN_DOCUMENT}.spreadsheet`]: saved(),
    [`${OPEN_DOCUMENT}.presentation`]: saved(),
    'application/epub+zip': saved(),

    'text/plain': savedText(),
    'text/csv': savedText(),
    'text/markdown': savedText(),
    'text/calendar': savedText(),
    'text/vcard': savedText(),
    'application/json': savedText(),
    'text/html': savedText(NOTHING_TO_RUN),
    'application/xhtml+xml': savedText(NOTHING_TO_RUN),
    'image/svg+xml': savedText(NOTHING_TO_RUN),
    'text/xml': savedText(NOTHING_TO_RUN),
    'application/xml': savedText(NOTHING_TO_RUN),
  } satisfies Record<string, Draft>).map(([type, draft]) => [type, complete(type, draft)]),
)

export function mediaTypeOf(type: string): MediaType | undefined {
  return mediaTypes.get(type)
}

interface Draft {
  readonly kind: MediaKind
  readonly content: MediaType['content']
  readonly servedAs?: string
  readonly inline: boolean
}

/** Without names, `file-type` calls such content by the type itself. */
function shown(kind: MediaKind, ...content: readonly string[]): Draft {
  return { kind, content, inline: true }
}

function saved(...content: readonly string[]): Draft {
  return { kind: 'document', content, inline: false }
}

function savedText(servedAs?: string): Draft {
  return { kind: 'document', content: 'text', inline: false, ...(servedAs === undefined ? {} : { servedAs }) }
}

function complete(type: string, draft: Draft): MediaType {
  const content = draft.content.length === 0 ? [type] : draft.content
  return { servedAs: type, ...draft, content }
}
