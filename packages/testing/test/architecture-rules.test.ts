import { describe, expect, test } from 'vitest'
import { refuseNames, refuseReadme, refuseService, variablesOf } from '../src/architecture/anatomy.ts'
import { refuseManifest, refuseUndeclared } from '../src/architecture/declared-imports.ts'
import { refuseEnvironment, refuseImport } from '../src/architecture/import-rules.ts'
import { importsOf, type Package } from '../src/architecture/workspace.ts'

describe('an import', () => {
  test.each([
    [
      'services/auth/src/service.ts',
      '@parley/messaging',
      'a service never imports another service, not even its types',
    ],
    [
      'services/auth/test/sign-in.test.ts',
      '@parley/messaging',
      'a service never imports another service, not even its types',
    ],
    [
      'services/auth/src/service.ts',
      '../../messaging/src/service.ts',
      'a package is imported by its name, never by a path into its folder',
    ],
    [
      'services/auth/src/service.ts',
      '@parley/runtime/src/clock.ts',
      'a package is imported by its name alone, never by a path into it',
    ],
    ['services/auth/src/service.ts', '@parley/client', 'a service never imports @parley/client'],
    ['services/auth/src/service.ts', '@parley/local', 'a service never imports @parley/local'],
    ['services/auth/src/service.ts', '@parley/testing', 'packages/testing is for tests alone'],
    ['services/auth/src/service.ts', '../test/world.ts', 'only tests import from tests'],
    ['services/auth/src/service.ts', '@parley/system', 'nothing imports packages/system'],
    ['packages/testing/src/run.ts', '@parley/system', 'nothing imports packages/system'],
    ['packages/protocol/src/ids.ts', '@parley/runtime', 'packages/protocol may import no package of the workspace'],
    ['packages/protocol/src/ids.ts', 'uuid', 'its package depends on zod and nothing else'],
    ['packages/protocol/src/ids.ts', 'node:crypto', 'its package depends on zod and nothing else'],
    ['packages/contracts/src/auth.ts', '@parley/bus', 'packages/contracts may import only protocol of the workspace'],
    ['packages/client/src/hub.ts', '@parley/contracts', 'packages/client may import only protocol of the workspace'],
    ['packages/client/src/hub.ts', '@parley/signalr', 'packages/client may import only protocol of the workspace'],
    ['packages/client/src/hub.ts', 'node:events', 'its package depends on @microsoft/signalr and nothing else'],
    [
      'packages/bus/src/bus.ts',
      '@parley/postgres',
      'packages/bus may import only contracts, protocol, runtime of the workspace',
    ],
    ['packages/runtime/src/health.ts', '@parley/bus', 'packages/runtime may import no package of the workspace'],
    ['packages/signalr/src/hub.ts', '@parley/protocol', 'packages/signalr may import only runtime of the workspace'],
    ['packages/routing/src/lease.ts', '@parley/contracts', 'packages/routing may import only runtime of the workspace'],
    ['packages/postgres/src/outbox.ts', '@parley/bus', 'packages/postgres may import only runtime of the workspace'],
    ['packages/postgres/src/outbox.ts', '@parley/auth', 'packages/postgres may import only runtime of the workspace'],
    ['packages/testing/src/run.ts', '@parley/runtime', 'packages/testing may import only local of the workspace'],
    ['infra/local/src/start.ts', '@parley/runtime', 'infra/local may import only nats of the workspace'],
    ['infra/local/test/start.test.ts', '@parley/testing', 'packages/testing is for tests alone'],
    [
      'services/auth/src/calls/get-me.ts',
      'kysely',
      'kysely and pg are used only in store/, migrations/ and packages/postgres',
    ],
    [
      'services/auth/src/service.ts',
      'kysely/migration',
      'kysely and pg are used only in store/, migrations/ and packages/postgres',
    ],
    [
      'packages/runtime/src/health.ts',
      'pg',
      'kysely and pg are used only in store/, migrations/ and packages/postgres',
    ],
    [
      'services/gateway/src/service.ts',
      'ioredis',
      'ioredis is used only in packages/routing, in the store/ of presence and in limiters',
    ],
    [
      'services/presence/src/calls/get-presence.ts',
      'ioredis',
      'ioredis is used only in packages/routing, in the store/ of presence and in limiters',
    ],
    ['services/messaging/src/service.ts', 'nats', 'nats is used only in packages/bus'],
    [
      'services/messaging/src/domain/sequence.ts',
      '../store/messages.ts',
      'domain/ holds pure rules and imports nothing else of its service',
    ],
    ['services/messaging/src/domain/sequence.ts', '@parley/bus', 'domain/ holds pure rules: no I/O'],
    ['services/messaging/src/domain/sequence.ts', 'node:fs/promises', 'domain/ holds pure rules: no I/O'],
  ])('in %s of %s is refused', (file, specifier, rule) => {
    expect(refuseImport(file, specifier)).toBe(`${file} imports ${specifier}: ${rule}.`)
  })

  test.each([
    ['services/auth/src/service.ts', '@parley/runtime'],
    ['services/auth/src/service.ts', './config.ts'],
    ['services/auth/test/sign-in.test.ts', '@parley/testing'],
    ['services/auth/test/sign-in.test.ts', '@parley/auth'],
    ['services/auth/test/sign-in.test.ts', '../src/domain/name.ts'],
    ['services/auth/test/sign-in.test.ts', 'nats'],
    ['services/gateway/test/hub.test.ts', '@parley/client'],
    ['services/auth/src/store/users.ts', 'kysely'],
    ['services/auth/migrations/0001-create-users.ts', 'kysely'],
    ['services/auth/src/http/sign-in.ts', 'express'],
    ['services/presence/src/store/last-seen.ts', 'ioredis'],
    ['services/messaging/src/domain/sequence.ts', './ids.ts'],
    ['services/messaging/src/domain/sequence.ts', 'node:crypto'],
    ['services/messaging/src/domain/sequence.ts', '@parley/protocol'],
    ['packages/contracts/src/auth.ts', '@parley/protocol'],
    ['packages/contracts/src/auth.ts', 'zod'],
    ['packages/contracts/test/contracts.test.ts', 'fast-check'],
    ['packages/client/test/stand-in-hub.ts', '@parley/signalr'],
    ['packages/bus/src/bus.ts', 'nats'],
    ['packages/system/src/start-system.ts', '@parley/messaging'],
    ['packages/system/test/talk.test.ts', '@parley/gateway'],
    ['infra/local/src/servers/postgres.ts', 'pg'],
  ])('in %s of %s is welcome', (file, specifier) => {
    expect(refuseImport(file, specifier)).toBeUndefined()
  })

  test('is found in whatever words it is written', () => {
    const text = [
      "import { a } from 'a'",
      'import type { B } from "b"',
      "import 'c'",
      "import d, { type E } from '@parley/d'",
      'import {',
      '  f,',
      "} from './f.ts'",
      "export { h } from 'h/h'",
      "export * from 'i'",
      "export type { J } from 'j'",
      "const k = await import('./k.ts')",
      "export const from = 'not this'",
      "// import { l } from 'l'",
      'const example = `',
      "import { m } from 'm'",
      '`',
    ].join('\n')
    expect(importsOf(text)).toEqual(['a', 'b', 'c', '@parley/d', './f.ts', 'h/h', 'i', 'j', './k.ts'])
  })
})

describe('a package.json', () => {
  const owner: Package = {
    folder: 'services/auth',
    name: '@parley/auth',
    dependencies: new Set(['@parley/runtime', 'zod']),
    devDependencies: new Set(['@parley/testing', '@types/express-serve-static-core', 'jwks-rsa']),
  }

  test.each([
    ['services/auth/src/service.ts', 'kysely', 'dependencies'],
    ['services/auth/src/service.ts', 'jwks-rsa', 'dependencies'],
    ['services/auth/src/service.ts', 'vitest', 'dependencies'],
    ['services/auth/migrations/0001-create-users.ts', 'kysely', 'dependencies'],
    ['services/auth/test/x.test.ts', 'kysely', 'dependencies or devDependencies'],
  ])('must list what %s imports: %s', (file, specifier, list) => {
    expect(refuseUndeclared(owner, file, specifier)).toBe(
      `${file} imports ${specifier}: services/auth/package.json must list ${specifier} under ${list}.`,
    )
  })

  test.each([
    ['services/auth/src/service.ts', 'zod'],
    ['services/auth/src/service.ts', 'node:fs'],
    ['services/auth/src/service.ts', './config.ts'],
    ['services/auth/src/service.ts', 'express-serve-static-core'],
    ['services/auth/test/x.test.ts', 'jwks-rsa'],
    ['services/auth/test/x.test.ts', 'vitest'],
    ['services/auth/test/x.test.ts', '@parley/auth'],
  ])('is right when %s imports %s', (file, specifier) => {
    expect(refuseUndeclared(owner, file, specifier)).toBeUndefined()
  })

  test('must not list a package that may not be imported', () => {
    expect(refuseManifest(owner)).toEqual([])
    const wrong = { ...owner, dependencies: new Set(['@parley/testing']), devDependencies: new Set(['@parley/media']) }
    expect(refuseManifest(wrong)).toEqual([
      'services/auth/package.json lists @parley/testing: packages/testing is for tests alone.',
      'services/auth/package.json lists @parley/media: a service never imports another service, not even its types.',
    ])
  })
})

test('the environment is read in main.ts and migrate.ts alone', () => {
  const text = "const level = process.env['LOG_LEVEL']"
  expect(refuseEnvironment('services/auth/src/service.ts', text)).toBe(
    'services/auth/src/service.ts reads process.env: only main.ts and migrate.ts do, and hand it to config.ts.',
  )
  expect(refuseEnvironment('services/auth/src/main.ts', text)).toBeUndefined()
  expect(refuseEnvironment('services/auth/src/service.ts', '/** Never process.env. */')).toBeUndefined()
  expect(refuseEnvironment('services/auth/src/service.ts', 'process.environment')).toBeUndefined()
})

test('folders that say nothing and migrations without a verb are refused', () => {
  expect(
    refuseNames([
      'services/auth/src/utils/x.ts',
      'services/auth/migrations/0001-create-users.ts',
      'services/auth/migrations/1-users.ts',
      'services/auth/migrations/0002-users.ts',
    ]),
  ).toEqual([
    'A folder is called utils: name it for what is in it (services/auth/src/utils/x.ts).',
    'services/auth/migrations/1-users.ts is a migration and must be called NNNN-verb-noun.ts.',
    'services/auth/migrations/0002-users.ts is a migration and must be called NNNN-verb-noun.ts.',
  ])
})

describe('a service', () => {
  const declared = {
    service: 'kitchen',
    calls: { cook: { subject: 'kitchen.call.cook' }, taste: { subject: 'kitchen.call.taste' } },
    events: { served: { subject: 'kitchen.event.served.{table}' } },
    notices: { bell: { subject: 'kitchen.notice.bell' } },
  }
  const config = `
const MAX_OVENS = 3
export const readConfig = (environment: Environment) =>
  readEnvironment('KITCHEN_', {
    NATS_URL,
    KITCHEN_OVENS: z.coerce.number().max(MAX_OVENS),
  }, environment)`
  const readme = `# kitchen

## Answers

- \`cook\`: one dish; \`raw\` is no call.

| Call    |         |
| ------- | ------- |
| \`taste\` | a spoon |

## Says

- \`kitchen.event.served.{table}\`, \`waiter.notice.come\`

## Hears

- \`kitchen.notice.bell\`

## Keeps

Nothing.

## Needs

- \`NATS_URL\`, \`KITCHEN_OVENS\`
`
  const workspaceOf = (texts: Record<string, string>) => ({
    packages: [],
    files: [],
    texts: new Map(
      Object.entries({
        'src/main.ts': '',
        'src/service.ts': '',
        'src/config.ts': config,
        'README.md': readme,
        ...texts,
      }).map(([path, text]) => [`services/kitchen/${path}`, text]),
    ),
  })

  test('that tells what it is has nothing to answer for', () => {
    expect([...variablesOf(config)]).toEqual(['NATS_URL', 'KITCHEN_OVENS'])
    expect(refuseService(workspaceOf({}), declared)).toEqual([])
  })

  test('has no long main.ts and no long service.ts', () => {
    const texts = { 'src/main.ts': 'x\n'.repeat(16), 'src/service.ts': 'x\n'.repeat(81) }
    expect(refuseService(workspaceOf(texts), declared)).toEqual([
      'services/kitchen/src/main.ts has 16 lines and may have 15: split it by what its parts do.',
      'services/kitchen/src/service.ts has 81 lines and may have 80: split it by what its parts do.',
    ])
  })

  test('has all its files', () => {
    expect(refuseService({ packages: [], files: [], texts: new Map() }, declared)).toEqual(
      ['src/main.ts', 'src/service.ts', 'src/config.ts', 'README.md'].map(
        (path) => `services/kitchen/${path} is missing: every service has it.`,
      ),
    )
  })

  test.each([
    ['- `cook`', '- `bake`', 'does not list cook under Answers, and its contract has it'],
    ['- `cook`', '- `bake`', 'lists bake under Answers, and its contract does not have it'],
    [
      '- `kitchen.event.served.{table}`',
      '- `kitchen.event.eaten`',
      'does not list kitchen.event.served.{table} under Says, and its contract has it',
    ],
    [
      '- `kitchen.event.served.{table}`',
      '- `kitchen.event.eaten`',
      'lists kitchen.event.eaten under Says, and its contract does not have it',
    ],
    [
      '- `kitchen.notice.bell`',
      '',
      'lists kitchen.notice.bell neither under Says nor under Hears, and its contract has it',
    ],
    ['`KITCHEN_OVENS`', '`KITCHEN_OVEN`', 'does not list KITCHEN_OVENS under Needs, and its config.ts has it'],
    ['`KITCHEN_OVENS`', '`KITCHEN_OVEN`', 'lists KITCHEN_OVEN under Needs, and its config.ts does not have it'],
    ['## Hears', '## Listens', 'has no heading "## Hears"'],
  ])('whose README says %j as %j is told so', (right, wrong, sentence) => {
    expect(refuseReadme(readme.replace(right, wrong), declared, variablesOf(config))).toContain(
      `services/kitchen/README.md ${sentence}.`,
    )
  })
})
