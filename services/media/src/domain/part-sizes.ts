/** The sizes of the parts of a file: all `partBytes`, and the last one what is left. */
export function partSizesOf(size: number, partBytes: number): number[] {
  const whole = Math.floor(size / partBytes)
  const rest = size % partBytes
  return [...Array.from({ length: whole }, () => partBytes), ...(rest === 0 ? [] : [rest])]
}
