import type { Server } from './server.ts'

export interface S3Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

/** `url` is the endpoint; buckets are addressed by path. */
export interface S3Server extends Server, S3Credentials {
  readonly region: string
}
