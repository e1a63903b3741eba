import { ConfigError, runProcess } from '@parley/runtime'

/** A process for the tests of `runProcess`. Its argument says how its life goes. */
const life = process.argv[2]

await runProcess('kitchen', process.env, async () => {
  if (life === 'wrong configuration')
    throw new ConfigError('NATS_URL is missing.\nKITCHEN_OVEN is not a variable of this service.')
  if (life === 'does not start') throw new Error('no kitchen')
  const open = setInterval(() => undefined, 1_000)
  if (life === 'starts for ever') {
    process.stdout.write('{"msg":"starting"}\n')
    await new Promise(() => undefined)
  }
  if (life === 'crashes') void Promise.reject(new Error('nobody caught me'))
  return {
    async [Symbol.asyncDispose]() {
      if (life === 'stops at the second signal') await new Promise((resolve) => process.once('SIGTERM', resolve))
      if (life === 'does not stop') await new Promise(() => undefined)
      if (life === 'fails to stop') throw new Error('the door is stuck')
      if (life !== 'leaves something open') clearInterval(open)
    },
  }
})
