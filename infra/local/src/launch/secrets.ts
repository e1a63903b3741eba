import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { writeWhole } from '../processes/write-whole.ts'

/** Answers the secret of a name: the same one for ever, made when it is first asked for. */
export type Secrets = (name: string) => string

const BYTES = 32

/** Secrets in a file that only its owner can read. */
export function openSecrets(path: string): Secrets {
  const secrets = readSecrets(path)
  return (name) => {
    const known = secrets[name]
    if (known !== undefined) return known
    const made = randomBytes(BYTES).toString('base64url')
    secrets[name] = made
    writeWhole(path, JSON.stringify(secrets, null, 2))
    return made
  }
}

function readSecrets(path: string): Record<string, string> {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Record<string, string>
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw error
  }
}
