import { headings, readReadme, type Heading } from './readme.ts'
import type { Workspace } from './workspace.ts'

/** What a service declares in `packages/contracts`, as far as its README tells it. */
export interface DeclaredService {
  readonly service: string
  readonly calls: Readonly<Record<string, { readonly subject: string }>>
  readonly events: Readonly<Record<string, { readonly subject: string }>>
  readonly notices: Readonly<Record<string, { readonly subject: string }>>
}

const MAIN_LINES = 15
const SERVICE_LINES = 80
const meaningless = ['utils', 'util', 'helpers', 'helper', 'common', 'shared', 'lib', 'core', 'misc']

/** The sentences for files and folders that have names which say nothing, or migrations that are not named as they must be. */
export function refuseNames(files: readonly string[]): string[] {
  const folders = new Set(files.flatMap((file) => file.split('/').slice(0, -1)))
  return [
    ...meaningless
      .filter((name) => folders.has(name))
      .map(
        (name) =>
          `A folder is called ${name}: name it for what is in it (${files.find((file) => file.includes(`${name}/`))}).`,
      ),
    ...files
      .filter((file) => /^services\/[^/]+\/migrations\//.test(file))
      .filter((file) => !/\/\d{4}-[a-z]+(-[a-z0-9]+)+\.ts$/.test(file))
      .map((file) => `${file} is a migration and must be called NNNN-verb-noun.ts.`),
  ]
}

/** The sentences for everything about one service's folder that is not as every service's folder is. */
export function refuseService({ texts }: Workspace, declared: DeclaredService): string[] {
  const folder = `services/${declared.service}`
  const [config, readme] = [texts.get(`${folder}/src/config.ts`), texts.get(`${folder}/README.md`)]
  return [
    ...refuseLength(`${folder}/src/main.ts`, texts.get(`${folder}/src/main.ts`), MAIN_LINES),
    ...refuseLength(`${folder}/src/service.ts`, texts.get(`${folder}/src/service.ts`), SERVICE_LINES),
    ...(config === undefined ? [missing(`${folder}/src/config.ts`)] : []),
    ...(readme === undefined
      ? [missing(`${folder}/README.md`)]
      : refuseReadme(readme, declared, variablesOf(config ?? ''))),
  ]
}

function refuseLength(path: string, text: string | undefined, maxLines: number): string[] {
  if (text === undefined) return [missing(path)]
  const lines = text.trimEnd().split('\n').length
  return lines <= maxLines
    ? []
    : [`${path} has ${lines} lines and may have ${maxLines}: split it by what its parts do.`]
}

const missing = (path: string): string => `${path} is missing: every service has it.`

/** The environment variables that a `config.ts` names: the keys of what it gives to `readEnvironment`. */
export const variablesOf = (config: string): ReadonlySet<string> =>
  new Set([...config.matchAll(/^\s+([A-Z][A-Z0-9]*_[A-Z0-9_]+)(?::|,$)/gm)].map(([, name = '']) => name))

/** The sentences for what a service's README lists and must not, or must list and does not. */
export function refuseReadme(text: string, declared: DeclaredService, variables: ReadonlySet<string>): string[] {
  const path = `services/${declared.service}/README.md`
  const listed = readReadme(text)
  const unsaid = headings.filter((heading) => listed[heading] === undefined)
  if (unsaid.length > 0) return unsaid.map((heading) => `${path} has no heading "## ${heading}".`)

  const under = (heading: Heading) => [...(listed[heading] ?? [])]
  const subjects = (kind: 'events' | 'notices') => Object.values(declared[kind]).map(({ subject }) => subject)
  const notices = subjects('notices')
  const told = new Set([...under('Says'), ...under('Hears')])
  const saidOfOwn = under('Says').filter((name) => name.startsWith(`${declared.service}.`))
  return [
    ...differences(path, 'Answers', under('Answers'), Object.keys(declared.calls), 'its contract'),
    ...differences(path, 'Needs', under('Needs'), [...variables], 'its config.ts'),
    // Others may be the ones who say a service's notices: then it hears them.
    ...notices
      .filter((subject) => !told.has(subject))
      .map((subject) => `${path} lists ${subject} neither under Says nor under Hears, and its contract has it.`),
    ...differences(
      path,
      'Says',
      saidOfOwn.filter((name) => !notices.includes(name)),
      subjects('events'),
      'its contract',
    ),
  ]
}

function differences(
  path: string,
  heading: Heading,
  listed: readonly string[],
  declared: readonly string[],
  source: string,
): string[] {
  return [
    ...declared
      .filter((name) => !listed.includes(name))
      .map((name) => `${path} does not list ${name} under ${heading}, and ${source} has it.`),
    ...listed
      .filter((name) => !declared.includes(name))
      .map((name) => `${path} lists ${name} under ${heading}, and ${source} does not have it.`),
  ]
}
