import { findBinary } from '../processes/find-binary.ts'
import { StartProblem } from '../start-problem.ts'
import { canUseApt, installWithApt } from './apt.ts'
import { cephIsInstalled } from './ceph.ts'
import { clamdIsInstalled } from './clamd.ts'
import { dockerAnswers, images, pullImage } from './docker.ts'
import { minioIsInstalled } from './minio.ts'

/** Postgres is not among them: it comes from a package. */
type Installable = 'redis' | 'nats' | 's3' | 'clamd'

interface Origin {
  readonly isInstalled: () => boolean
  readonly packages: readonly string[]
  /** Null: it is not run in a container. */
  readonly image: string | null
  readonly howToGetIt: string
}

const origins: Readonly<Record<Installable, Origin>> = {
  redis: {
    isInstalled: () => findBinary('redis-server') !== null,
    packages: ['redis-server'],
    image: images.redis,
    howToGetIt: 'Redis is missing: install redis-server, start Docker, or set REDIS_URL.',
  },
  nats: {
    isInstalled: () => findBinary('nats-server') !== null,
    packages: ['nats-server'],
    image: images.nats,
    howToGetIt: 'NATS is missing: install nats-server, start Docker, or set NATS_URL.',
  },
  s3: {
    isInstalled: () => minioIsInstalled() || cephIsInstalled(),
    packages: ['ceph-mon', 'ceph-osd', 'radosgw'],
    image: images.s3,
    howToGetIt:
      'S3 is missing: install minio (or ceph-mon, ceph-osd and radosgw), start Docker, or set S3_ENDPOINT, ' +
      'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
  },
  clamd: {
    isInstalled: clamdIsInstalled,
    packages: ['clamav-daemon'],
    image: null,
    howToGetIt: 'ClamAV is missing: install clamav-daemon.',
  },
}

/**
 * Makes sure that the wanted servers can be started: as programs of this machine, which on Debian and Ubuntu root gets from
 * apt, or as containers of a running Docker engine. `during` wraps what takes long, for people to see.
 */
export async function ensureServers(
  wanted: readonly Installable[],
  options: {
    logFile: string
    /** May be wanted later: apt installs them in the same go, but it is no problem if there is no apt. */
    welcome?: readonly Installable[]
    during?: <Result>(what: string, work: () => Promise<Result>) => Promise<Result>
  },
): Promise<void> {
  const { logFile, welcome = [], during = (_, work) => work() } = options
  const packages = missingOf([...wanted, ...welcome]).flatMap((origin) => origin.packages)
  if (packages.length > 0 && canUseApt()) {
    await during(`apt-get install ${packages.join(' ')}`, () => installWithApt(packages, logFile))
  }
  const still = missingOf(wanted)
  if (still.length === 0) return
  const stillImages = still.flatMap(({ image }) => image ?? [])
  if (stillImages.length < still.length || !(await dockerAnswers())) {
    throw new StartProblem(still.map((origin) => origin.howToGetIt).join('\n'))
  }
  for (const image of stillImages) await during(`docker pull ${image}`, () => pullImage(image))
}

const missingOf = (servers: readonly Installable[]): Origin[] =>
  [...new Set(servers)].map((server) => origins[server]).filter((origin) => !origin.isInstalled())
