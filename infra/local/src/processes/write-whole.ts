import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/** Writes a file that only its owner can read. Whoever reads it, and whenever we are killed, it is all there or as before. */
export function writeWhole(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(`${path}.unfinished`, text, { mode: 0o600 })
  renameSync(`${path}.unfinished`, path)
}
