const MOST_CHARACTERS = 100

/** The name of a file in a ZIP: one of a kind by its id, and nothing that a file system could take for a path. */
export function fileNameIn(id: string, name: string): string {
  const safe = name
    .replaceAll(/[\p{C}\\/:*?"<>|]/gu, '_')
    .replace(/^\.+/, '_')
    .replace(/[. ]+$/, '_')
  const characters = Array.from(safe)
  // The end says of what type it is.
  const short = characters.slice(-MOST_CHARACTERS).join('')
  return `${id}-${short}`
}
