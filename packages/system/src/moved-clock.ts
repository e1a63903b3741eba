import { readFileSync } from 'node:fs'
import { systemClock } from '@parley/runtime'

/**
 * Loaded into a service before its program: for the service the time of day is the moment that stands in a file, and does not go
 * on, as long as one stands there.
 */
const file = process.env['MOVED_CLOCK_FILE']
if (file === undefined) throw new Error('MOVED_CLOCK_FILE names no file')

systemClock.now = () => {
  const moment = readFileSync(file, 'utf8')
  return moment === '' ? new Date() : new Date(moment)
}
