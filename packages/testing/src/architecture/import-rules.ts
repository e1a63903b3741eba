import { posix } from 'node:path'
import { isTest, packageNameOf, withoutComments } from './workspace.ts'

/** The packages of the workspace that each may import; `@parley/` left out. Tests may import `testing` besides. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  protocol: [],
  runtime: [],
  local: ['nats'],
  contracts: ['protocol'],
  client: ['protocol'],
  bus: ['contracts', 'protocol', 'runtime'],
  routing: ['runtime'],
  postgres: ['runtime'],
  s3: ['runtime'],
  signalr: ['runtime'],
  testing: ['local'],
  nats: ['contracts'],
  bench: ['local', 'protocol', 'contracts', 'bus', 'routing', 'runtime'],
}
const services = ['protocol', 'contracts', 'bus', 'routing', 'signalr', 'runtime', 'postgres', 's3']

/** The sentence that says which rule an import breaks, or nothing. `file` is a path from the root of the workspace. */
export function refuseImport(file: string, specifier: string): string | undefined {
  const rule = specifier.startsWith('.')
    ? refuseRelative(file, specifier)
    : specifier.startsWith('@parley/')
      ? refuseWorkspace(file, specifier)
      : refuseLibrary(file, specifier)
  return rule === undefined ? undefined : `${file} imports ${specifier}: ${rule}.`
}

const folderOf = (file: string): string => file.split('/').slice(0, 2).join('/')

function refuseRelative(file: string, specifier: string): string | undefined {
  const target = posix.join(posix.dirname(file), specifier)
  if (!target.startsWith(`${folderOf(file)}/`))
    return 'a package is imported by its name, never by a path into its folder'
  if (isIn(file, 'domain') && !isIn(target, 'domain'))
    return 'domain/ holds pure rules and imports nothing else of its service'
  if (isTest(target) && !isTest(file)) return 'only tests import from tests'
  return undefined
}

function refuseWorkspace(file: string, specifier: string): string | undefined {
  const [part = '', name = ''] = file.split('/')
  const target = packageNameOf(specifier).slice('@parley/'.length)
  if (specifier !== `@parley/${target}`) return 'a package is imported by its name alone, never by a path into it'
  if (name === 'system' || target === name) return undefined
  if (target === 'system') return 'nothing imports packages/system'
  if (target === 'testing' && isTest(file) && name !== 'local') return undefined
  if (target === 'testing') return 'packages/testing is for tests alone'
  if (isIn(file, 'domain') && !['protocol', 'contracts'].includes(target)) return 'domain/ holds pure rules: no I/O'
  if (part === 'services') {
    if (services.includes(target)) return undefined
    if (target === 'client' && isTest(file)) return undefined
    if (['client', 'local'].includes(target)) return `a service never imports @parley/${target}`
    return 'a service never imports another service, not even its types'
  }
  if (mayImport[name]?.includes(target) === true) return undefined
  if (name === 'testing' && isTest(file) && ['protocol', 'contracts'].includes(target)) return undefined
  // A server for the client to talk to.
  if (name === 'client' && isTest(file) && target === 'signalr') return undefined
  const allowed = mayImport[name] ?? []
  return `${part}/${name} may import ${allowed.length === 0 ? 'no package' : `only ${allowed.join(', ')}`} of the workspace`
}

interface LibraryRule {
  readonly libraries: readonly string[]
  readonly places: readonly RegExp[]
  readonly sentence: string
}

const everywhereForTests = [/^infra\//, /^packages\/(testing|system)\//]

const libraryRules: readonly LibraryRule[] = [
  {
    libraries: ['kysely', 'pg'],
    places: [/^services\/[^/]+\/(src\/store|migrations)\//, /^packages\/postgres\//, ...everywhereForTests],
    sentence: 'kysely and pg are used only in store/, migrations/ and packages/postgres',
  },
  {
    libraries: ['ioredis'],
    places: [
      /^packages\/routing\//,
      /^services\/presence\/src\/(store\/|service\.ts$)/,
      /\/limiters?\//,
      ...everywhereForTests,
    ],
    sentence: 'ioredis is used only in packages/routing, in the store/ of presence and in limiters',
  },
  {
    libraries: ['nats'],
    places: [/^packages\/bus\//, ...everywhereForTests],
    sentence: 'nats is used only in packages/bus',
  },
]

/** Packages that run anywhere, in browsers too, and what they depend on. */
const pureLibraries: Readonly<Record<string, readonly string[]>> = {
  protocol: ['zod'],
  contracts: ['zod'],
  client: ['@microsoft/signalr'],
}
/** Node's own that do no I/O. */
const pureBuiltins = ['node:crypto', 'node:buffer', 'node:util', 'node:assert']

function refuseLibrary(file: string, specifier: string): string | undefined {
  if (isTest(file)) return undefined
  const library = packageNameOf(specifier)
  const only = file.startsWith('packages/') ? pureLibraries[file.split('/')[1] ?? ''] : undefined
  if (only?.includes(library) === false) return `its package depends on ${only.join(' and ')} and nothing else`
  const rule = libraryRules.find(({ libraries }) => libraries.includes(library))
  if (rule !== undefined && !rule.places.some((place) => place.test(file))) return rule.sentence
  if (isIn(file, 'domain') && specifier.startsWith('node:') && !pureBuiltins.includes(specifier)) {
    return 'domain/ holds pure rules: no I/O'
  }
  return undefined
}

/** Whether a file of a service stands in this folder of its sources. */
const isIn = (file: string, folder: string): boolean => new RegExp(`^services/[^/]+/src/${folder}/`).test(file)

/** The sentence that says that a file reads the environment and must not, or nothing. */
export function refuseEnvironment(file: string, text: string): string | undefined {
  const mayRead =
    /\/(main|migrate)\.ts$/.test(file) || everywhereForTests.some((place) => place.test(file)) || isTest(file)
  if (mayRead || !/\bprocess\.env\b/.test(withoutComments(text))) return undefined
  return `${file} reads process.env: only main.ts and migrate.ts do, and hand it to config.ts.`
}
