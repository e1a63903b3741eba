import { isBuiltin } from 'node:module'
import { refuseImport } from './import-rules.ts'
import { isTest, packageNameOf, type Package } from './workspace.ts'

/** What tests get from the root of the workspace. */
const fromRoot = ['vitest']

/** The sentence that says that a package.json does not list what a file of its package imports, or nothing. */
export function refuseUndeclared(owner: Package, file: string, specifier: string): string | undefined {
  if (specifier.startsWith('.') || isBuiltin(specifier)) return undefined
  const name = packageNameOf(specifier)
  if (name === owner.name || owner.dependencies.has(name)) return undefined
  if (isTest(file) && (owner.devDependencies.has(name) || fromRoot.includes(name))) return undefined
  // Types alone: they are gone when the file runs.
  if (owner.devDependencies.has(typesOf(name))) return undefined
  const list = isTest(file) ? 'dependencies or devDependencies' : 'dependencies'
  return `${file} imports ${specifier}: ${owner.folder}/package.json must list ${name} under ${list}.`
}

/** The sentences for the packages of the workspace that a package.json lists and must not. */
export function refuseManifest(owner: Package): string[] {
  const listed = [
    ...[...owner.dependencies].map((name) => ({ name, as: `${owner.folder}/src/` })),
    ...[...owner.devDependencies].map((name) => ({ name, as: `${owner.folder}/test/` })),
  ]
  return listed.flatMap(({ name, as }) => {
    const sentence = name.startsWith('@parley/') ? refuseImport(as, name) : undefined
    return sentence === undefined
      ? []
      : [sentence.replace(as, `${owner.folder}/package.json`).replace('imports', 'lists')]
  })
}

const typesOf = (name: string): string => `@types/${name.replace(/^@([^/]+)\//, '$1__')}`
