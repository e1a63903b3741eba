import type { Reporter, TestModule } from 'vitest/node'

export interface Tally {
  passed: number
  failed: number
}

/**
 * Adds what a run of vitest came to: each test, and as failures also each module or suite that failed outside its tests (did
 * not load, a hook threw) and each error that nobody caught. A test that was begun and not finished has failed.
 */
export function tallyReporter(tally: Tally): Reporter {
  return {
    onTestRunEnd(modules, unhandledErrors) {
      tally.failed += unhandledErrors.length
      for (const module of modules) addModule(tally, module)
    },
  }
}

function addModule(tally: Tally, module: TestModule): void {
  for (const test of module.children.allTests()) {
    const { state } = test.result()
    if (state === 'passed') tally.passed += 1
    else if (state !== 'skipped') tally.failed += 1
  }
  for (const part of [module, ...module.children.allSuites()]) if (part.errors().length > 0) tally.failed += 1
}
