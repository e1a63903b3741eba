import { text } from 'node:stream/consumers'
import { startThrowawayServers, StartProblem } from '@parley/local'
import { serveS3OnDemand } from './s3-on-demand.ts'
import type { ServersOfRun } from './servers-of-run.ts'

// A process of its own that keeps the servers of a run: it says where they are, and ends them when its standard input ends.
// So they end with the run, however that ends: vitest leaves at once when it is interrupted, and may be killed.
process.stdout.on('error', () => undefined) // The run is over before the servers were there: the input has ended too.
try {
  await using servers = await startThrowawayServers()
  await using s3 = await serveS3OnDemand(servers.directory)
  const { directory, postgresUrl, postgresProgramsDirectory } = servers
  const told: ServersOfRun = { directory, postgresUrl, postgresProgramsDirectory, s3OnDemandUrl: s3.url }
  process.stdout.write(`${JSON.stringify(told)}\n`)
  await text(process.stdin)
} catch (error) {
  process.exitCode = 1
  process.stderr.write(`${error instanceof StartProblem ? error.message : String((error as Error).stack)}\n`)
}
