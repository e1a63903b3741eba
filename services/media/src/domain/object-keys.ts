interface Named {
  readonly id: string
  /** ISO 8601, UTC. */
  readonly createdAt: string
}

export type ThumbnailSize = 'small' | 'large'

/** Where a client posts the file. Its content can change as long as the form is valid. */
export const pendingKey = (upload: Named): string => `pending/${monthOf(upload)}/${upload.id}`

/** Where a checked file stands: no client can write there. */
export const readyKey = (upload: Named): string => `ready/${monthOf(upload)}/${upload.id}`

/** Where the thumbnails of an image stand. */
export const thumbnailKey = (upload: Named, size: ThumbnailSize): string =>
  `thumbnails/${monthOf(upload)}/${upload.id}/${size}`

/** All that can be there of an upload. */
export const keysOf = (upload: Named): string[] => [
  pendingKey(upload),
  readyKey(upload),
  thumbnailKey(upload, 'small'),
  thumbnailKey(upload, 'large'),
]

/** The upload that a key belongs to; undefined for what is none of ours. */
export const uploadIdOf = (key: string): string | undefined =>
  /^(?:pending|ready|thumbnails)\/\d{4}-\d{2}\/([0-9a-f-]{36})(?:\/(?:small|large))?$/.exec(key)?.[1]

const monthOf = ({ createdAt }: Named): string => createdAt.slice(0, 'yyyy-mm'.length)
