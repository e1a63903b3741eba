import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ensureServers, StartProblem } from '@parley/local'
import { startVitest } from 'vitest/node'
import { runChecks } from './checks.ts'
import { tallyReporter, type Tally } from './tally.ts'

// What `npm test` runs: the checks, then the tests; with paths (`npm test -- services/auth`), only the tests there.
// The last line is always `N passed, N failed`.
const root = fileURLToPath(new URL('../../../', import.meta.url))
process.chdir(root)
const tally: Tally = { passed: 0, failed: 0 }
try {
  await run(process.argv.slice(2))
} catch (error) {
  tally.failed += 1
  console.log(error instanceof StartProblem ? error.message : error)
}
process.exitCode = tally.failed === 0 ? 0 : 1
console.log(`${tally.passed} passed, ${tally.failed} failed`)

async function run(paths: readonly string[]): Promise<void> {
  await ensureServers(['redis', 'nats', 's3'], { logFile: join(tmpdir(), 'parley-test-apt.log'), during: told })
  if (paths.length === 0) await check()
  await test(paths)
}

async function told<Result>(what: string, work: () => Promise<Result>): Promise<Result> {
  console.log(`${what} ...`)
  return work()
}

async function check(): Promise<void> {
  console.log('Checking format, lint and types ...')
  for (const { name, passed, seconds, output } of await runChecks(root)) {
    console.log(` ${passed ? '✓' : '×'} ${name} (${seconds.toFixed(1)} s)`)
    if (!passed) console.log(output)
    tally[passed ? 'passed' : 'failed'] += 1
  }
}

async function test(paths: readonly string[]): Promise<void> {
  const before = tally.passed + tally.failed
  const vitest = await startVitest([...paths], {
    run: true,
    watch: false,
    reporters: ['default', tallyReporter(tally)],
  })
  await vitest.close()
  if (tally.passed + tally.failed > before) return
  console.log('No test ran.')
  tally.failed += 1
}
