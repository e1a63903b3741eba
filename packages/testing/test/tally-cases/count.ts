import { startVitest } from 'vitest/node'
import { tallyReporter } from '../../src/tally.ts'

// Runs the cases beside it and writes what they came to.
const tally = { passed: 0, failed: 0 }
const vitest = await startVitest([], {
  root: import.meta.dirname,
  config: false,
  include: ['*.case.ts'],
  run: true,
  watch: false,
  reporters: [tallyReporter(tally)],
})
await vitest.close()
process.stdout.write(JSON.stringify(tally))
