interface Named {
  readonly id: string
  /** ISO 8601, UTC. */
  readonly createdAt: string
}

/** Where a client posts the file. Its content can change as long as the form is valid. */
export const pendingKey = (upload: Named): string => `pending/${monthOf(upload)}/${upload.id}`

/** Where a checked file stands: no client can write there. */
export const readyKey = (upload: Named): string => `ready/${monthOf(upload)}/${upload.id}`

const monthOf = ({ createdAt }: Named): string => createdAt.slice(0, 'yyyy-mm'.length)
