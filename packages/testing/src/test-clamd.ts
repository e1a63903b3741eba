import { join } from 'node:path'
import { ensureServers, startClamd } from '@parley/local'
import { serversOfRun } from './servers-of-run.ts'
import { startTestServer, type TestServer } from './test-server.ts'

/** The harmless file by which scanners are tried out (https://www.eicar.org). In two pieces, so that no scanner finds it here. */
export const EICAR = ['X5O!P%@AP[4\\PZX54(P^)7CC)7}$', 'EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*'].join('')
/** Something else that it finds. */
export const MALWARE_FOR_TESTS = 'parley-malware-for-tests'

/** A ClamAV of its own that finds these two. The first who asks may wait for it to be installed. */
export async function testClamd({ streamMaxBytes = 5_000_000 } = {}): Promise<TestServer> {
  await ensureServers(['clamd'], { logFile: join(serversOfRun().directory, 'apt-clamd.log') })
  const signatures = { 'Eicar-Test': EICAR, 'Malware-For-Tests': MALWARE_FOR_TESTS }
  return startTestServer('clamd', (options) => startClamd({ ...options, signatures, streamMaxBytes }))
}
