import { fileURLToPath } from 'node:url'
import { auth, gateway, media, messaging, presence, retention } from '@parley/contracts'
import { operations } from '@parley/protocol'
import { describe, expect, test } from 'vitest'
import { refuseNames, refuseService } from '../src/architecture/anatomy.ts'
import { refuseManifest, refuseUndeclared } from '../src/architecture/declared-imports.ts'
import { refuseEnvironment, refuseImport } from '../src/architecture/import-rules.ts'
import { importsOf, readWorkspace } from '../src/architecture/workspace.ts'

const workspace = await readWorkspace(fileURLToPath(new URL('../../../', import.meta.url)))
const sources = [...workspace.texts].filter(([path]) => path.endsWith('.ts'))
const imports = sources.flatMap(([path, text]) => importsOf(text).map((specifier) => [path, specifier] as const))

test('nothing imports what it may not', () => {
  expect(imports.length).toBeGreaterThan(500)
  expect(imports.flatMap(([path, specifier]) => refuseImport(path, specifier) ?? [])).toEqual([])
})

test('only main.ts and migrate.ts read the environment', () => {
  expect(sources.flatMap(([path, text]) => refuseEnvironment(path, text) ?? [])).toEqual([])
})

describe.each(workspace.packages)('$folder', (owner) => {
  test('lists what it imports', () => {
    const own = imports.filter(([path]) => path.startsWith(`${owner.folder}/`))
    expect(own.flatMap(([path, specifier]) => refuseUndeclared(owner, path, specifier) ?? [])).toEqual([])
  })

  test('lists no package of the workspace that it may not import', () => {
    expect(refuseManifest(owner)).toEqual([])
  })

  test('is named for its folder', () => {
    expect(owner.name).toBe(`@parley/${owner.folder.split('/')[1]}`)
  })
})

test('folders are named for what is in them, and migrations for what they do', () => {
  expect(refuseNames(workspace.files)).toEqual([])
})

test.each([auth, gateway, media, messaging, presence, retention])(
  'services/$service is built as every service is',
  (declared) => {
    expect(refuseService(workspace, declared)).toEqual([])
  },
)

test('every operation stands in the table of the gateway', () => {
  const table = workspace.texts.get('services/gateway/src/operation-table.ts') ?? ''
  expect(Object.keys(operations).filter((name) => !new RegExp(`^  ${name}:`, 'm').test(table))).toEqual([])
})
