import { glob, readFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'

/** A folder with a package.json. */
export interface Package {
  /** From the root of the workspace: `services/auth`. */
  readonly folder: string
  readonly name: string
  /** Names of what it may import everywhere. */
  readonly dependencies: ReadonlySet<string>
  /** Names of what its tests may import besides. */
  readonly devDependencies: ReadonlySet<string>
}

export interface Workspace {
  readonly packages: readonly Package[]
  /** Paths of all files, whatever they are, from the root of the workspace: `services/auth/src/main.ts`. */
  readonly files: readonly string[]
  /** What stands in those that end in `.ts` or `.md`, by path. */
  readonly texts: ReadonlyMap<string, string>
}

interface Manifest {
  readonly name: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

const parts = ['services/*', 'packages/*', 'infra/*']

/** Everything that the rules look at. */
export async function readWorkspace(root: string): Promise<Workspace> {
  const files = await listFiles(root)
  const read = async (path: string) => [path, await readFile(join(root, path), 'utf8')] as const
  const manifests = await Promise.all(files.filter((path) => /^[^/]+\/[^/]+\/package\.json$/.test(path)).map(read))
  return {
    packages: manifests.map(([path, text]) => packageOf(dirname(path), JSON.parse(text) as Manifest)),
    files,
    texts: new Map(await Promise.all(files.filter((path) => /\.(ts|md)$/.test(path)).map(read))),
  }
}

async function listFiles(root: string): Promise<string[]> {
  const files: string[] = []
  const patterns = parts.map((part) => `${part}/**`)
  const exclude = ({ name }: { name: string }) => name === 'node_modules'
  for await (const entry of glob(patterns, { cwd: root, withFileTypes: true, exclude })) {
    if (entry.isFile()) files.push(relative(root, join(entry.parentPath, entry.name)))
  }
  return files.toSorted()
}

function packageOf(folder: string, manifest: Manifest): Package {
  return {
    folder,
    name: manifest.name,
    dependencies: new Set(Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies })),
    devDependencies: new Set(Object.keys(manifest.devDependencies ?? {})),
  }
}

export const withoutComments = (text: string): string => text.replaceAll(/\/\*.*?\*\/|\/\/[^\n]*/gs, '')

/** What a file imports or exports from elsewhere, types too, in the words it uses. */
export function importsOf(text: string): string[] {
  const code = withoutComments(text).replaceAll(/`(?:\\.|[^`\\])*`/gs, '')
  const statements = /^(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]|^import\s*['"]([^'"]+)['"]/gm
  const calls = /\bimport\(\s*['"]([^'"]+)['"]/g
  return [...code.matchAll(statements), ...code.matchAll(calls)].map((match) => match[1] ?? match[2] ?? '')
}

/** A test, or something that only tests use. */
export const isTest = (path: string): boolean =>
  /(^|\/)test\//.test(path) || path.endsWith('.test.ts') || path.startsWith('packages/system/')

/** The package's name in an import: `kysely/migration` is `kysely`, `@parley/bus` is itself. */
export const packageNameOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
