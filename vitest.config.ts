import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['{packages,services}/*/{src,test}/**/*.test.ts', 'infra/*/{src,test}/**/*.test.ts'],
    globalSetup: ['packages/testing/src/global-setup.ts'],
    maxWorkers: 4,
    testTimeout: 30_000,
    // What is waited for comes when it comes: machines are small and shared.
    expect: { poll: { timeout: 10_000 } },
    hookTimeout: 60_000,
  },
})
