import { mkdir, writeFile } from 'node:fs/promises'
import { cpus, loadavg, totalmem } from 'node:os'
import { dirname, join } from 'node:path'

/** Where figures go unless another place is named. */
export const figuresFile = (name: string): string =>
  join(import.meta.dirname, '../../../.parley/bench', `${name}-${new Date().toISOString().slice(0, 16)}.json`)

export async function writeFigures(path: string, figures: object): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(
    path,
    `${JSON.stringify({ at: new Date().toISOString(), machine: machine(), ...figures }, null, 2)}\n`,
  )
}

/** What it ran on, and how busy that was in the last minute and the last five, this run included. */
export function machine() {
  const [oneMinute = 0, fiveMinutes = 0] = loadavg()
  return {
    cores: cpus().length,
    model: cpus()[0]?.model ?? '',
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    load: { oneMinute, fiveMinutes },
    node: process.version,
  }
}

/** Columns as wide as they must be: text to the left, numbers to the right. */
export function table(rows: readonly (readonly (string | number)[])[]): string {
  const cells = rows.map((row) => row.map((cell) => (typeof cell === 'number' ? readable(cell) : cell)))
  const widths = cells.reduce<number[]>(
    (found, row) => row.map((cell, index) => Math.max(found[index] ?? 0, cell.length)),
    [],
  )
  return rows
    .map((row, index) =>
      row
        .map((cell, column) => {
          const text = cells[index]?.[column] ?? ''
          const width = widths[column] ?? 0
          return column > 0 || typeof cell === 'number' ? text.padStart(width) : text.padEnd(width)
        })
        .join('  '),
    )
    .join('\n')
}

function readable(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: Math.abs(value) < 100 ? 1 : 0 })
}
