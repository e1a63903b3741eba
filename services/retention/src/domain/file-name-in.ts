/** With the id before it, within the 255 bytes that file systems take. */
const MOST_BYTES = 180

/** The name of a file in a ZIP: one of a kind by its id, and nothing that a file system could take for a path. */
export function fileNameIn(id: string, name: string): string {
  const safe = name
    .replaceAll(/[\p{C}\\/:*?"<>|]/gu, '_')
    .replace(/^\.+/, '_')
    .replace(/[. ]+$/, '_')
  // The end says of what type it is.
  let end = ''
  for (const character of Array.from(safe).toReversed()) {
    if (Buffer.byteLength(character + end) > MOST_BYTES) break
    end = character + end
  }
  return `${id}-${end}`
}
