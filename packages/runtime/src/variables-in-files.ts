import { readFileSync, statSync } from 'node:fs'

/** No secret is longer, and a mistaken path may lead to anything. */
const MAX_BYTES = 64 * 1024
const SUFFIX = '_FILE'

/**
 * The value of any variable may stand in a file, as orchestrators mount secrets: `<NAME>_FILE` names it. Answers the environment
 * with these values in place, and what is wrong, a sentence for each variable. No sentence tells a value.
 */
export function withVariablesInFiles(
  names: readonly string[],
  given: Readonly<Record<string, string>>,
): { readonly values: Record<string, string>; readonly problems: ReadonlyMap<string, string> } {
  const values = { ...given }
  const problems = new Map<string, string>()
  for (const name of names) {
    const path = given[name + SUFFIX]
    if (path === undefined) continue
    delete values[name + SUFFIX]
    if (given[name] !== undefined) {
      problems.set(name, `${name} and ${name}${SUFFIX} are both there: one of them is enough.`)
      continue
    }
    try {
      values[name] = readValue(path)
    } catch (error) {
      problems.set(name, `${name}${SUFFIX} is wrong: ${(error as Error).message}.`)
    }
  }
  return { values, problems }
}

function readValue(path: string): string {
  const value = readSmall(path)
  if (value === '') throw new Error('the file is empty')
  return value
}

function readSmall(path: string): string {
  try {
    if (statSync(path).size <= MAX_BYTES) return readFileSync(path, 'utf8').replace(/\r?\n$/, '')
  } catch (error) {
    throw new Error(`the file cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`, { cause: error })
  }
  throw new Error(`the file has more than ${MAX_BYTES} bytes`)
}
