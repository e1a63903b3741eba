import { inject } from 'vitest'

/** What the global set-up has started for the whole run and tells every worker. */
export interface ServersOfRun {
  /** All that is kept in folders of it, and all servers that were started there, are gone when the run ends. */
  readonly directory: string
  /** The superuser's address of the Postgres server that all test databases share. */
  readonly postgresUrl: string
  /** One copy of the Postgres programs for all. */
  readonly postgresProgramsDirectory: string
  /** Answers with the access to the run's S3, which it starts when it is first asked. */
  readonly s3OnDemandUrl: string
}

declare module 'vitest' {
  interface ProvidedContext {
    serversOfRun: ServersOfRun
  }
}

export const serversOfRun = (): ServersOfRun => inject('serversOfRun')
