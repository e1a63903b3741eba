import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

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
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(`${path}.unfinished`, JSON.stringify(secrets, null, 2), { mode: 0o600 })
    renameSync(`${path}.unfinished`, path)
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
