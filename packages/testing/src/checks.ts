import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'

export interface CheckResult {
  readonly name: string
  readonly passed: boolean
  readonly seconds: number
  /** What the tool said. */
  readonly output: string
}

/** What is checked besides the tests: the same tools as `npm run check`, each to its end. */
const checks: Readonly<Record<string, readonly [string, ...string[]]>> = {
  format: ['oxfmt', '--check', '.'],
  lint: ['oxlint', '--type-aware'],
  types: ['tsc'],
}

/** Runs all checks at once, in the folder of the workspace. */
export function runChecks(root: string): Promise<CheckResult[]> {
  return Promise.all(Object.entries(checks).map(([name, command]) => runCheck(name, command, root)))
}

async function runCheck(name: string, [tool, ...flags]: readonly string[], root: string): Promise<CheckResult> {
  const begun = performance.now()
  const child = spawn(`node_modules/.bin/${tool}`, flags, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = Promise.withResolvers<boolean>()
  child.once('error', ended.reject)
  child.once('close', (code) => ended.resolve(code === 0))
  const [passed, ...said] = await Promise.all([ended.promise, text(child.stdout), text(child.stderr)])
  return { name, passed, seconds: (performance.now() - begun) / 1000, output: said.join('').trim() }
}
