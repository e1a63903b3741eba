import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Service } from '@parley/local'
import { testS3 } from '@parley/testing'
import { openBucket, type Bucket } from './bucket.ts'
import { startSystem, type System } from './start-system.ts'

/** All of Parley, and messages become as old as a test wants. */
export interface AgingSystem extends System {
  /** Where files and exports are. */
  readonly bucket: Bucket
  /** For `messaging` it is this moment from now on, and stays it; `undefined`: the time of day again. */
  setClock(moment: Date | undefined): Promise<void>
}

export async function startAgingSystem(environment: Readonly<Record<string, string>> = {}): Promise<AgingSystem> {
  await using stack = new AsyncDisposableStack()
  const directory = await mkdtemp(join(tmpdir(), 'parley-clock-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  const file = join(directory, 'moment')
  await writeFile(file, '')
  const s3 = await testS3()
  const bucket = stack.use(openBucket(s3))

  const withMovedClock = (service: Service): Service => ({
    ...service,
    environment: (it) => ({
      ...service.environment(it),
      NODE_OPTIONS: `--import ${new URL('moved-clock.ts', import.meta.url).href}`,
      MOVED_CLOCK_FILE: file,
    }),
  })
  const system = stack.use(
    await startSystem({
      environment: {
        S3_ENDPOINT: s3.endpoint,
        S3_REGION: s3.region,
        S3_BUCKET: s3.bucket,
        AWS_ACCESS_KEY_ID: s3.accessKeyId,
        AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
        ...environment,
      },
      arrange: (stages) =>
        stages.map((stage) =>
          stage.map((service) => (service.kind === 'messaging' ? withMovedClock(service) : service)),
        ),
    }),
  )
  const started = stack.move()
  return {
    ...system,
    bucket,
    async setClock(moment) {
      await writeFile(`${file}.next`, moment?.toISOString() ?? '')
      await rename(`${file}.next`, file)
    },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  }
}
